#include "daemon/cli/arguments.h"

#include <doctest/doctest.h>

#include "daemon/cli/help.h"

using namespace starling::daemon;

TEST_CASE("A view is named by any beginning that is its own") {
  for (const char* word : {"neighbors", "neigh", "n"}) {
    const Arguments arguments = parse_arguments({"show", word});
    CHECK(arguments.usage_error.empty());
    CHECK(arguments.what == "neighbors");
  }
  CHECK(parse_arguments({"show", "tunels"}).usage_error.find("did you mean `tunnels`?") != std::string::npos);
  CHECK(parse_arguments({"show"}).usage_error.find("neighbors, routes") != std::string::npos);
}

TEST_CASE("The daemon is chosen before or after the command") {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"-i", "star1", "show", "routes", "--json"},
                                                {"show", "routes", "--json", "-i", "star1"},
                                                {"--interface=star1", "show", "--json", "routes"}}) {
    const Arguments arguments = parse_arguments(words);
    CHECK(arguments.usage_error.empty());
    CHECK(arguments.command == "show");
    CHECK(arguments.daemon.interface == "star1");
    CHECK(arguments.what == "routes");
    CHECK(arguments.json);
  }
  CHECK(parse_arguments({"watch", "--control", "/x/y", "--replay"}).daemon.control == "/x/y");
  CHECK(parse_arguments({"watch", "--replay"}).replay);
}

TEST_CASE("A wrong command line says what is wrong") {
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"show", "routes", "extra"},
                                                {"show", "routes", "--jsn"},
                                                {"keygen", "x"},
                                                {"-i"},
                                                {"check"},
                                                {"--nonsense"},
                                                {"help", "show", "watch"},
                                                {"watch", "routes"}}) {
    CAPTURE(words.size());
    const Arguments arguments = parse_arguments(words);
    CHECK_FALSE(arguments.usage_error.empty());
    CHECK(arguments.output.empty());
  }
}

TEST_CASE("A capture names its file, and its interface before or after the command") {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"capture", "star1", "-w", "x"},
                                                {"-i", "star1", "capture", "-w", "x"},
                                                {"capture", "--write=x", "star1", "-c", "7", "--dropped", "--peers"}}) {
    const Arguments arguments = parse_arguments(words);
    CHECK(arguments.usage_error.empty());
    CHECK(arguments.command == "capture");
    CHECK(arguments.daemon.interface == "star1");
    CHECK(arguments.capture.file == "x");
    CHECK(arguments.capture.packets_max == (words.size() > 5 ? 7 : 0));
    CHECK(arguments.capture.dropped == (words.size() > 5));
    CHECK_FALSE(arguments.capture.control_only);
  }
  CHECK(parse_arguments({"capture", "-w", "-"}).capture.file == "-");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"capture"},
                                                {"capture", "star1"},
                                                {"capture", "star1", "star2", "-w", "x"},
                                                {"-i", "star1", "capture", "star2", "-w", "x"},
                                                {"--control", "/x", "capture", "star2", "-w", "x"},
                                                {"capture", "-w", "x", "--count", "0"},
                                                {"capture", "-w", "x", "--count", "many"},
                                                {"capture", "-w", "x", "-s", "4294967296"}}) {
    CAPTURE(words.size());
    CHECK_FALSE(parse_arguments(words).usage_error.empty());
  }
}

TEST_CASE("A node is drained and let back in by words of their own") {
  CHECK(parse_arguments({"drain"}).command == "drain");
  CHECK(parse_arguments({"undrain", "-i", "star1", "--json"}).json);
  CHECK(parse_arguments({"-i", "star1", "undrain"}).daemon.interface == "star1");
  CHECK_FALSE(parse_arguments({"drain", "b"}).usage_error.empty());
}

TEST_CASE("A word that is no command is another program's, with everything behind it untouched") {
  const Arguments arguments = parse_arguments({"lab", "run", "--json", "-i", "x", "--help"});
  CHECK(arguments.is_external);
  CHECK(arguments.command == "lab");
  CHECK(arguments.rest == std::vector<std::string>{"run", "--json", "-i", "x", "--help"});
  CHECK_FALSE(parse_arguments({"-i", "x", "lab"}).usage_error.empty());
}

TEST_CASE("Help is a page for each command, in whatever order it is asked for") {
  CHECK(parse_arguments({"--help"}).output == help_text(""));
  CHECK(parse_arguments({"help"}).output == help_text(""));
  for (const std::string_view name : command_names()) {
    const std::string word(name);
    CHECK(parse_arguments({word, "--help"}).output == help_text(name));
    CHECK(parse_arguments({"--help", word}).output == help_text(name));
    CHECK(parse_arguments({"help", word}).output == help_text(name));
  }
  CHECK(parse_arguments({"help", "lab"}).is_external);
  CHECK(parse_arguments({"help", "lab"}).rest == std::vector<std::string>{"--help"});
  CHECK(parse_arguments({"show", "nonsense", "-h"}).output == help_text("show"));
  CHECK(parse_arguments({"-V"}).output.starts_with("starling 0."));
}

TEST_CASE("Every page tells purpose, usage, options, examples and exit status, in lines that fit a terminal") {
  for (const std::string_view name : command_names()) {
    const std::string page = help_text(name);
    CAPTURE(page);
    for (const char* section : {"USAGE\n", "OPTIONS\n", "EXAMPLES\n", "EXIT STATUS\n"}) {
      CHECK(page.find(std::string("\n") + section) != std::string::npos);
    }
    CHECK(page.starts_with("starling"));
    for (std::size_t start = 0, end; (end = page.find('\n', start)) != std::string::npos; start = end + 1) {
      CHECK(end - start <= 120);
    }
  }
}

TEST_CASE("A grant is asked for by an action and its options, of which prefixes may stand several times") {
  const Arguments sign = parse_arguments({"grant", "sign", "-k", "key", "--node", "ab", "-p", "10.0.0.0/8+", "--prefix",
                                          "fd00::/8{48,64}", "--days", "30"});
  CHECK(sign.usage_error == "");
  CHECK(sign.grant.action == "sign");
  CHECK(sign.grant.key_file == "key");
  CHECK(sign.grant.node == "ab");
  CHECK(sign.grant.prefixes == std::vector<std::string>{"10.0.0.0/8+", "fd00::/8{48,64}"});
  CHECK(sign.grant.days == 30);
  const Arguments publish = parse_arguments({"-i", "star1", "grant", "publish", "x"});
  CHECK(publish.daemon.interface == "star1");
  CHECK(publish.grant.file == "x");
  CHECK(parse_arguments({"pubkey", "--node"}).node_id);
  CHECK(parse_arguments({"grant", "revoek"}).usage_error.find("did you mean `revoke`?") != std::string::npos);
  for (const std::vector<std::string>& words : {std::vector<std::string>{"grant"},
                                                {"grant", "sign", "x", "y"},
                                                {"grant", "sign", "--days", "0"},
                                                {"grant", "sign", "--days", "3", "--until", "2030-01-01"},
                                                {"grant", "sign", "--serial", "-1"}}) {
    CAPTURE(words.size());
    CHECK_FALSE(parse_arguments(words).usage_error.empty());
  }
}
