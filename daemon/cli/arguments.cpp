#include "daemon/cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "daemon/cli/help.h"
#include "daemon/config/config_error.h"
#include "daemon/control/version.h"

namespace starling::daemon {

namespace {

constexpr auto kCommands = std::to_array<std::string_view>(
    {"show", "watch", "capture", "drain", "undrain", "check", "keygen", "pubkey", "grant", "help"});
constexpr auto kViews = std::to_array<std::string_view>(
    {"neighbors", "routes", "lsdb", "grants", "tunnels", "egress", "ingress", "transit", "status"});
constexpr auto kGrantActions =
    std::to_array<std::string_view>({"keygen", "pubkey", "request", "sign", "revoke", "show", "publish"});

bool is_command(std::string_view word) {
  return std::find(kCommands.begin(), kCommands.end(), word) != kCommands.end();
}

// Where the first word stands that is no option and no option's value; the size if there is none.
std::size_t first_word(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.empty() || argument[0] != '-') return i;
    if (argument == "-i" || argument == "--interface" || argument == "--control") ++i;
  }
  return arguments.size();
}

// The view that `word` names, or begins as no other does ("neigh"); the error otherwise.
std::string complete_view(const std::string& word, std::string& error) {
  std::vector<std::string_view> matches;
  for (const std::string_view view : kViews) {
    if (view == word) return word;
    if (view.starts_with(word)) matches.push_back(view);
  }
  if (matches.size() == 1) return std::string(matches.front());
  const std::string_view nearest = nearest_word(word, kViews);
  error = fmt::format("there is no view `{}`{}; say one of {}", word,
                      nearest.empty() ? "" : fmt::format(" (did you mean `{}`?)", nearest), fmt::join(kViews, ", "));
  return {};
}

struct Parser {
  explicit Parser(Arguments& into) : out(into), app("", "starling") {
    app.set_help_flag();  // ours is a page for each command, not a list of flags
    app.add_option("-i,--interface", out.daemon.interface);
    app.add_option("--control", out.daemon.control);
    app.add_flag("-h,--help", help);
    app.add_flag("-V,--version", version);
    app.fallthrough();

    CLI::App* const show = add("show");
    show->add_option("what", out.what);
    show->add_flag("--json", out.json);
    CLI::App* const watch = add("watch");
    watch->add_flag("--json", out.json);
    watch->add_flag("--replay", out.replay);
    CLI::App* const capture = add("capture");
    capture->add_option("interface", capture_interface);
    capture->add_option("-w,--write", out.capture.file);
    capture->add_option("-c,--count", out.capture.packets_max)->check(CLI::PositiveNumber);
    capture->add_option("-s,--snap-length", out.capture.snap_length)->check(CLI::PositiveNumber);
    capture->add_flag("--control-only", out.capture.control_only);
    capture->add_flag("--dropped", out.capture.dropped);
    capture->add_flag("--peers", out.capture.peers);
    for (const char* word : {"drain", "undrain"}) add(word)->add_flag("--json", out.json);
    add("check")->add_option("file", out.file);
    add("keygen");
    add("pubkey")->add_flag("--node", out.node_id);
    add_grant();
  }

  void add_grant() {
    CLI::App* const grant = add("grant");
    GrantChoice& choice = out.grant;
    grant->add_option("file", choice.file);
    grant->add_option("-k,--key", choice.key_file);
    grant->add_option("--node", choice.node);
    grant->add_option("-p,--prefix", choice.prefixes)->expected(1)->take_all();
    CLI::Option* const until = grant->add_option("--until", choice.until);
    grant->add_option("--days", choice.days)->check(CLI::Range(1u, 1'000'000u))->excludes(until);
    grant->add_option("--serial", choice.serial)->check(CLI::PositiveNumber);
    grant->add_option("--network-key", choice.network_key);
    grant->add_flag("--json", choice.json);
  }

  CLI::App* add(const std::string& name) {
    CLI::App* const command = app.add_subcommand(name);
    command->set_help_flag();
    command->fallthrough();
    return command;
  }

  Arguments& out;
  CLI::App app;
  std::string capture_interface;
  bool help = false;
  bool version = false;
};

// `help`, `help COMMAND`, and as git does it `help WORD` for another program's own help.
void parse_help(const std::vector<std::string>& about, Arguments& out) {
  if (about.size() > 1) {
    out.usage_error = "help about one command at a time";
  } else if (about.empty() || is_command(about[0]) || about[0].starts_with('-')) {
    out.output = help_text(about.empty() ? "" : about[0]);
  } else {
    out.command = about[0];
    out.is_external = true;
    out.rest = {"--help"};
  }
}

void finish_grant(Arguments& out) {
  const GrantChoice& grant = out.grant;
  if (std::find(kGrantActions.begin(), kGrantActions.end(), grant.action) != kGrantActions.end()) return;
  const std::string_view nearest = nearest_word(grant.action, kGrantActions);
  out.usage_error = grant.action.empty()
                        ? fmt::format("do what with grants? say one of {}", fmt::join(kGrantActions, ", "))
                        : fmt::format("`grant {}` is nothing{}; say one of {}", grant.action,
                                      nearest.empty() ? "" : fmt::format(" (did you mean `{}`?)", nearest),
                                      fmt::join(kGrantActions, ", "));
}

// Some actions have the names of commands, for which CLI11 would take them.
std::vector<std::string> without_grant_action(std::vector<std::string> arguments, std::size_t at, Arguments& out) {
  if (at >= arguments.size() || arguments[at].starts_with('-')) return arguments;
  out.grant.action = arguments[at];
  arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(at));
  return arguments;
}

// `capture IF` is `-i IF capture`.
void finish_capture(const std::string& interface, Arguments& out) {
  DaemonChoice& daemon = out.daemon;
  if (out.capture.file.empty()) {
    out.usage_error = "capture into what? say `-w FILE`, or `-w - | tcpdump -nr -`";
  } else if (!interface.empty() && !(daemon.interface.empty() && daemon.control.empty())) {
    out.usage_error =
        fmt::format("capture of which interface? `{}` is one, and -i or --control says another", interface);
  } else if (!interface.empty()) {
    daemon.interface = interface;
  }
}

void parse_own(const std::vector<std::string>& arguments, Arguments& out) {
  Parser parser(out);
  try {
    // CLI11 takes a vector from its end.
    parser.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    if (!parser.help) {
      out.usage_error = error.what();
      return;
    }
  }
  if (parser.version) {
    out.output = fmt::format("starling {}\n", version());
  } else if (parser.help) {
    out.output = help_text(out.command);
  } else if (out.command == "show") {
    if (out.what.empty()) {
      out.usage_error = fmt::format("show what? say one of {}", fmt::join(kViews, ", "));
    } else {
      out.what = complete_view(out.what, out.usage_error);
    }
  } else if (out.command == "capture") {
    finish_capture(parser.capture_interface, out);
  } else if (out.command == "grant") {
    finish_grant(out);
  } else if (out.command == "check" && out.file.empty()) {
    out.usage_error = "check which file? say `starling check FILE`";
  } else if (out.command.empty()) {
    out.usage_error = "what to do? say a command";
  }
}

}  // namespace

std::span<const std::string_view> command_names() {
  return kCommands;
}

Arguments parse_arguments(const std::vector<std::string>& arguments) {
  Arguments out;
  const std::size_t at = first_word(arguments);
  if (at < arguments.size()) {
    out.command = arguments[at];
    out.is_external = !is_command(out.command);
  }
  if (out.command == "grant") {
    parse_own(without_grant_action(arguments, at + 1, out), out);
  } else if (out.command == "help") {
    parse_help({arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1, arguments.end()}, out);
  } else if (!out.is_external) {
    parse_own(arguments, out);
  } else if (at > 0) {
    out.usage_error = fmt::format("`{}` is a program of its own: write its options after it", out.command);
  } else {
    out.rest.assign(arguments.begin() + 1, arguments.end());
  }
  return out;
}

}  // namespace starling::daemon
