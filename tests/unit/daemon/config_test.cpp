#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "daemon/config/json_file.h"
#include "daemon/config/loader.h"
#include "tests/unit/daemon/temporary_directory.h"

using namespace starling;
using namespace starling::daemon;
using nlohmann::json;

namespace {

constexpr const char* kPrivateKey = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";
constexpr const char* kPeerKey = "PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAkA=";

void write_file(const std::string& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream(path) << text;
  chmod(path.c_str(), mode);
}

json smallest() {
  return {{"interface", "mesh0"}, {"private_key", kPrivateKey}};
}

std::vector<std::string> pointers(const ConfigErrors& errors) {
  std::vector<std::string> all;
  for (const ConfigError& error : errors) all.push_back(error.pointer);
  return all;
}

std::string message_of(const Result<Config, ConfigErrors>& result) {
  return result.ok() ? "" : result.error().front().message;
}

}  // namespace

TEST_CASE("every case of the table is taken or refused, with the pointer of what is wrong") {
  const auto cases = read_json_file(CONFIG_CASES);
  REQUIRE(cases.ok());
  REQUIRE(cases->size() > 50);
  for (const json& entry : *cases) {
    CAPTURE(entry.at("says").get<std::string>());
    const auto config = parse_config(entry.at("config"), "cases.json");
    CHECK(config.ok() == entry.at("ok").get<bool>());
    if (config.ok() || entry.at("ok").get<bool>()) continue;
    const auto at = pointers(config.error());
    CHECK(at == std::vector<std::string>{entry.at("pointer").get<std::string>()});
  }
}

TEST_CASE("what is not said has the documented defaults") {
  const auto config = parse_config(smallest(), "file");
  REQUIRE(config.ok());
  CHECK(config->listen_port == 0);
  CHECK(config->mtu == 1420);
  CHECK(config->transit);
  CHECK(config->transit_fast_path);
  CHECK(config->offloads == wg::Offloads{});
  CHECK(config->workers == 0);
  CHECK_FALSE(config->nice);
  CHECK(config->hello.interval == std::chrono::milliseconds(100));
  CHECK(config->hello.multiplier == 3);
  CHECK(config->metric == routing::MetricMode::fixed);
  CHECK(config->path_probe_interval == std::chrono::seconds(10));
  CHECK(config->routes.table == 254);
  CHECK(config->routes.metric == 4201);
  CHECK(config->log.level == EventLevel::info);
  CHECK(config->log.file.empty());
  CHECK(config->accept.patterns() == routing::ImportPolicy().patterns());
  CHECK_FALSE(config->name.empty());
}

TEST_CASE("what is said arrives") {
  json document = smallest();
  document["name"] = "alpha";
  document["addresses"] = {"172.20.1.1/27"};
  document["peers"] = {{{"public_key", kPeerKey},
                        {"endpoint", "[2001:db8::1]:51820"},
                        {"persistent_keepalive", 25},
                        {"routing", false},
                        {"allowed_ips", {"10.9.0.0/16"}}}};
  document["metric"] = "rtt";
  document["path_probe_s"] = 0;
  document["log"] = {{"level", "warning"}, {"format", "json"}, {"file", "x.log"}};
  const auto config = parse_config(document, "file");
  REQUIRE(config.ok());
  CHECK(config->name == "alpha");
  CHECK(config->addresses.front().to_string() == "172.20.1.1/27");
  const PeerEntry& peer = config->peers.front();
  CHECK(to_base64(peer.public_key) == kPeerKey);
  CHECK(peer.endpoint->numeric()->to_string() == "[2001:db8::1]:51820");
  CHECK(peer.persistent_keepalive_s == 25);
  CHECK_FALSE(peer.routing);
  CHECK_FALSE(peer.cost);
  CHECK(config->metric == routing::MetricMode::rtt);
  CHECK(config->path_probe_interval == Duration::zero());
  CHECK(peer.allowed_ips == std::vector{*Prefix::parse("10.9.0.0/16")});
  CHECK(config->log.level == EventLevel::warning);
  CHECK(config->log.format == LogConfig::Format::json);
  CHECK(config->log.file == "x.log");
}

TEST_CASE("the data path has its switches, and the fast path of transit goes with transit") {
  json document = smallest();
  document["transit_fast_path"] = false;
  document["without_offloads"] = {"udp-gso", "tun-ugro"};
  document["workers"] = 3;
  document["nice"] = 5;
  auto config = parse_config(document, "file");
  REQUIRE(config.ok());
  CHECK(config->transit);
  CHECK_FALSE(config->transit_fast_path);
  wg::Offloads offloads;
  offloads.udp_gso = offloads.tun_ugro = false;
  CHECK(config->offloads == offloads);
  CHECK(config->workers == 3);
  CHECK(config->nice == 5);
  document.erase("transit_fast_path");
  document["transit"] = false;
  config = parse_config(document, "file");
  REQUIRE(config.ok());
  CHECK_FALSE(config->transit_fast_path);
}

TEST_CASE("all errors of a file are named at once") {
  json document = smallest();
  document["mtu"] = 1;
  document["interface"] = "";
  document["peers"] = {{{"public_key", "x"}}, {{"public_key", kPeerKey}, {"cost", 0}}, {{"public_key", kPeerKey}}};
  const auto config = parse_config(document, "file", "/nodes/a");
  REQUIRE_FALSE(config.ok());
  auto at = pointers(config.error());
  std::sort(at.begin(), at.end());
  CHECK(at == std::vector<std::string>{"/nodes/a/interface", "/nodes/a/mtu", "/nodes/a/peers/0/public_key",
                                       "/nodes/a/peers/1/cost", "/nodes/a/peers/2/public_key"});
}

TEST_CASE("an error names the file, the place, and what would be right") {
  json document = smallest();
  document["listenport"] = 1;
  document["announce"] = {"10.1.2.3/16"};
  const auto config = parse_config(document, "a.json");
  REQUIRE_FALSE(config.ok());
  const std::string text = to_string(config.error());
  CHECK(text.find("a.json: /listenport: is no known key; did you mean \"listen_port\"?\n") != std::string::npos);
  CHECK(text.find("a.json: /announce/0: has bits set behind its length; did you mean \"10.1.0.0/16\"?\n") !=
        std::string::npos);
}

TEST_CASE("a secret with a slip is never quoted") {
  json document = smallest();
  document["private_key"] = "secretsecretsecret";
  const auto config = parse_config(document, "file");
  REQUIRE_FALSE(config.ok());
  CHECK(to_string(config.error()).find("secretsecret") == std::string::npos);
}

TEST_CASE("a key in a file is read, from beside the configuration, if nobody else can read it") {
  const TemporaryDirectory folder;
  write_file(folder / "node.json", R"({"interface":"mesh0","private_key_file":"key"})");
  write_file(folder / "key", std::string(kPrivateKey) + "\n");
  const auto config = load_config(folder / "node.json");
  REQUIRE(config.ok());
  CHECK(config->private_key == *parse_secret_key(kPrivateKey));

  chmod((folder / "key").c_str(), 0640);
  const auto open_to_group = load_config(folder / "node.json");
  CHECK(message_of(open_to_group).find("chmod 600") != std::string::npos);

  chmod((folder / "key").c_str(), 0600);
  write_file(folder / "key", "no key\n");
  CHECK(message_of(load_config(folder / "node.json")).find("holds no private key") != std::string::npos);

  std::filesystem::remove(folder / "key");
  const auto absent = load_config(folder / "node.json");
  REQUIRE_FALSE(absent.ok());
  CHECK(absent.error().front().pointer == "/private_key_file");
}

TEST_CASE("a syntax error is named with its line and column") {
  const auto text = parse_json_text("{\n  \"interface\": \"mesh0\",\n  \"mtu\": 14x20\n}\n", "a.json");
  REQUIRE_FALSE(text.ok());
  REQUIRE(text.error().size() == 1);
  CHECK(text.error().front().pointer == "line 3, column 12");
  CHECK(text.error().front().message.find("not JSON") == 0);
  CHECK_FALSE(parse_json_text("", "a.json").ok());
  CHECK_FALSE(parse_json_text("{} {}", "a.json").ok());
  CHECK_FALSE(parse_json_text("{\"mtu\": 1e999}", "a.json").ok());
}

TEST_CASE("a number that no type holds is an error with its place") {
  const auto huge = parse_json_text(R"({"peers":[{"cost":1},{"cost":1e999}]})", "f");
  REQUIRE_FALSE(huge.ok());
  CHECK(pointers(huge.error()) == std::vector<std::string>{"/peers/1/cost"});
}

TEST_CASE("nesting has an end, whatever the file") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json_text(nested(kJsonDepthMax), "f").ok());
  const auto deep = parse_json_text(nested(1'000'000), "f");
  REQUIRE_FALSE(deep.ok());
  REQUIRE(deep.error().size() == 1);
  CHECK(deep.error().front().pointer.size() == 2 * kJsonDepthMax);
  CHECK(deep.error().front().message.find("nested more than 64 deep") != std::string::npos);
}

TEST_CASE("a key that stands twice in one object is an error, and not in two objects") {
  const auto twice = parse_json_text(R"({"peers":[{"a":1},{"cost":1,"x":{"cost":2},"cost":3}],"mtu":1,"mtu":2})", "f");
  REQUIRE_FALSE(twice.ok());
  CHECK(pointers(twice.error()) == std::vector<std::string>{"/peers/1/cost", "/mtu"});
  CHECK(parse_json_text(R"([{"a":1},{"a":2}])", "f").ok());
}

TEST_CASE("a file that is not there, or is a folder, is one error with its name") {
  const TemporaryDirectory folder;
  for (const std::string& path : {folder / "absent.json", folder.path()}) {
    const auto config = load_config(path);
    REQUIRE_FALSE(config.ok());
    CHECK(config.error().size() == 1);
    CHECK(config.error().front().file == path);
  }
}

TEST_CASE("pointers are escaped as RFC 6901 asks") {
  CHECK(child_pointer("/a", "b/c~d") == "/a/b~1c~0d");
  CHECK(child_pointer("", std::size_t{3}) == "/3");
}

TEST_CASE("the nearest word is at most two slips away") {
  const std::vector<std::string_view> known{"listen_port", "mtu", "name"};
  CHECK(nearest_word("listenport", known) == "listen_port");
  CHECK(nearest_word("mut", known) == "mtu");
  CHECK(nearest_word("xyz", known).empty());
  CHECK(nearest_word("frobnicate", known).empty());
}
