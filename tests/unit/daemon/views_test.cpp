// The views of two real routers that found each other, over a backend that only remembers; the keys are those of
// docs/control.md.
#include "daemon/control/views.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "routing/grant.h"
#include "routing/identity.h"
#include "routing/router.h"
#include "tests/unit/daemon/remembering_backend.h"

using namespace starling;
using namespace starling::daemon;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr wg::PeerId kToB = 1;
constexpr wg::PeerId kStock = 2;

PublicKey key_of(std::uint8_t fill) {
  PublicKey key;
  key.bytes.fill(fill);
  return key;
}

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

// By the owner of a network, for a node that may announce these.
struct Trust {
  routing::Identity owner = routing::Identity::of_network(SecretKey(std::vector<std::uint8_t>(kKeySize, 5)));

  routing::LsaHandle grant(const routing::NodeId& node, const char* right) const {
    routing::Grant grant;
    grant.holder = node;
    grant.serial = 1;
    grant.until_s = 1'800'000'000;
    grant.rights = {routing::PrefixPattern::parse(right).value()};
    return routing::sign_grant(grant, [this](Bytes message) { return owner.sign(message); });
  }
};

// A router with all it needs, and the packets that it wants to send. `right`: of its grant; null: without a network
// key.
struct Node {
  Node(std::uint8_t number, const std::string& name, std::vector<Prefix> announced, const char* right)
      : secret(std::vector<std::uint8_t>(kKeySize, number)),
        identity(secret),
        random(number),
        router(
            config(name, number, std::move(announced), right), [this](Bytes m) { return identity.sign(m); },
            routing::verify_signature, random) {}

  routing::RouterConfig config(const std::string& name, std::uint8_t number, std::vector<Prefix> announced,
                               const char* right) const {
    const Trust trust;
    routing::RouterConfig made{};
    made.id = identity.id();
    made.wireguard_key = key_of(number);
    made.name = name;
    made.announced = std::move(announced);
    if (right != nullptr) {
      made.network_key = trust.owner.id();
      made.grants = {trust.grant(identity.id(), right)};
    }
    return made;
  }

  SecretKey secret;
  routing::Identity identity;
  SeededRandom random;
  routing::Router router;
};

struct Pair {
  Node a;
  Node b;
  RememberingBackend backend;
  Now now{Time(1000s), WallTime(1769860800s)};
  Time started = now.monotonic;
  Names names = names_from(a.router, [](wg::PeerId) { return key_of(9); });

  explicit Pair(const char* right_of_a = nullptr, const char* right_of_b = nullptr)
      : a(1, "a", {prefix("10.0.0.1/32"), prefix("10.9.0.0/16")}, right_of_a),
        b(2, "b", {prefix("10.0.0.2/32"), prefix("8.8.8.0/24"), prefix("10.9.0.0/16")}, right_of_b) {
    a.router.start(now);
    b.router.start(now);
    a.router.add_neighbor(now, kToB, {.wireguard_key = key_of(2), .cost = 10, .mtu = 1420});
    b.router.add_neighbor(now, 7, {.wireguard_key = key_of(1), .cost = 10, .mtu = 1420});
    run(3000);
    wg::PeerStatus to_b;
    to_b.id = kToB;
    to_b.public_key = key_of(2);
    to_b.endpoint = Endpoint::parse("192.0.2.2:51820");
    to_b.last_handshake = now.wall - 12s;
    to_b.rx_bytes = 1000;
    to_b.drops[static_cast<std::size_t>(wg::DropReason::replayed)] = 3;
    wg::PeerStatus stock;
    stock.id = kStock;
    stock.public_key = key_of(9);
    stock.unanswered_initiations = 5;
    backend.reported.interface = "star0";
    backend.reported.listen_port = 51820;
    backend.reported.public_key = key_of(1);
    backend.reported.drops[static_cast<std::size_t>(wg::DropReason::bad_mac1)] = 2;
    backend.reported.peers = {to_b, stock};
    backend.set_egress({.groups = {{.members = {kToB}, .backup = wg::kNoPeer}, {.members = {kStock}, .backup = kToB}},
                        .entries = {{prefix("10.7.0.0/16"), 1}, {prefix("10.0.0.2/32"), 0}}});
    backend.set_ingress(
        {.sets = {{kToB}, {kToB, kStock}}, .entries = {{prefix("10.7.0.0/16"), 1}, {prefix("10.0.0.2/32"), 0}}});
  }

  TransitReport transit = {true, "policy rule 100 looks at: source", std::nullopt, 17,
                           [] { return std::vector<std::string>{"ip f c"}; }};

  // So many milliseconds.
  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      deliver(a.router, b.router, 7);
      deliver(b.router, a.router, kToB);
      now = now + 1ms;
      a.router.on_timer(now);
      b.router.on_timer(now);
    }
  }

  void deliver(routing::Router& from, routing::Router& to, routing::NeighborId at) const {
    const auto packets = std::move(from.outbox().packets);
    from.outbox().clear();
    for (const auto& packet : packets) to.on_packet(now, at, packet.bytes);
  }

  ViewContext context() const {
    return {a.router,
            backend,
            names,
            {{kStock, {prefix("10.7.0.0/16")}}},
            {prefix("10.0.0.1/32"), prefix("10.9.0.0/16")},
            started,
            now,
            {},
            transit};
  }

  json show(const char* what) const { return answer_request(context(), {{"command", "show"}, {"what", what}}).value(); }
};

struct Members : Pair {
  Members() : Pair("0.0.0.0/0+", "10.0.0.0/24+") {}
};

// The names in quotation marks in the table row of `view` in docs/control.md.
std::set<std::string> documented_keys(const std::string& view) {
  std::ifstream file(CONTROL_DOC);
  REQUIRE(file.is_open());
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `" + view + "` | `")) continue;
    std::set<std::string> keys;
    static const std::regex kQuoted("\"([a-z_]+)\"");
    for (auto it = std::sregex_iterator(line.begin(), line.end(), kQuoted); it != std::sregex_iterator(); ++it) {
      keys.insert((*it)[1]);
    }
    return keys;
  }
  FAIL("docs/control.md has no view " << view);
  return {};
}

// Keys of objects at any depth, but not inside maps whose keys are data.
void collect_keys(const json& value, std::set<std::string>& keys) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      keys.insert(key);
      if (key != "drops" && key != "statistics") collect_keys(inner, keys);
    }
  } else if (value.is_array()) {
    for (const json& element : value) collect_keys(element, keys);
  }
}

const json& row_with(const json& view, const char* key, const json& value) {
  const auto found = std::find_if(view.begin(), view.end(), [&](const json& row) { return row.at(key) == value; });
  REQUIRE_MESSAGE(found != view.end(), value.dump());
  return *found;
}

}  // namespace

TEST_CASE_FIXTURE(Members, "Every view has exactly the keys that docs/control.md lists") {
  for (const std::string_view view : view_names()) {
    CAPTURE(view);
    std::set<std::string> keys;
    collect_keys(show(std::string(view).c_str()), keys);
    CHECK(keys == documented_keys(std::string(view)));
  }
}

TEST_CASE_FIXTURE(Pair, "Status tells who the node is and how far it has come") {
  const json status = show("status");
  CHECK(status["name"] == "a");
  CHECK(status["node"] == routing::to_string(a.identity.id()));
  CHECK(status["public_key"] == to_base64(key_of(1)));
  CHECK(status["listen_port"] == 51820);
  CHECK(status["mono_ns"] == 1'003'000'000'000);
  CHECK(status["uptime_ms"] == 3000);
  CHECK(status["neighbors_full"] == 1);
  CHECK(status["lsas"] == 2);
  CHECK(status["routes"] == 1);
  CHECK(status["digest"] == to_hex(b.router.digest()));
  CHECK(status["statistics"]["packets_received"] > 0);
}

TEST_CASE_FIXTURE(Pair, "A neighbour is shown with its name, state, since when, and the tunnel's endpoint") {
  const json neighbors = show("neighbors");
  REQUIRE(neighbors.size() == 1);
  const json& neighbor = neighbors[0];
  CHECK(neighbor["name"] == "b");
  CHECK(neighbor["state"] == "Full");
  CHECK(neighbor["node"] == routing::to_string(b.identity.id()));
  CHECK(neighbor["endpoint"] == "192.0.2.2:51820");
  CHECK(neighbor["detection_ms"] == 300);
  CHECK(neighbor["since_ms"] > 0);
  CHECK(neighbor["since_ms"] <= 3000);
  CHECK(neighbor["rtt_us"].is_number());
  CHECK(neighbor["times_down"] == 0);
  CHECK(neighbor["cost"] == 10);
  CHECK(neighbor["manual"] == true);
  CHECK(neighbor["grey"].is_null());
  CHECK(neighbor["carried_bytes"].is_null());
}

TEST_CASE_FIXTURE(Pair, "A drained node says so, and how many neighbours have still to hear of it") {
  CHECK(show("status")["drained"] == false);
  a.router.set_drained(now, true);
  CHECK(show("status")["drained"] == true);
  CHECK(show("neighbors")[0]["cost"] == routing::kLastResortMetric);
  CHECK(drain_view(a.router) == json{{"drained", true}, {"neighbors_full", 1}, {"unacknowledged", 1}});
  deliver(a.router, b.router, 7);
  now = now + 50ms;  // acknowledgements go together
  b.router.on_timer(now);
  deliver(b.router, a.router, kToB);
  CHECK(drain_view(a.router)["unacknowledged"] == 0);
  CHECK(row_with(show("lsdb"), "origin", "a")["drained"] == true);
}

TEST_CASE_FIXTURE(Pair, "Routes are shown in order with their status: installed, refused, own, static") {
  const json routes = show("routes");
  std::vector<std::string> order;
  for (const json& row : routes)
    order.push_back(row["prefix"].get<std::string>() + " " + row["status"].get<std::string>());
  CHECK(order == std::vector<std::string>{"8.8.8.0/24 refused", "10.0.0.1/32 own", "10.0.0.2/32 installed",
                                          "10.7.0.0/16 static", "10.9.0.0/16 own", "10.9.0.0/16 refused"});
  CHECK(routes[0]["reason"] == "not_in_accept");
  CHECK(routes[0]["origins"] == json{"b"});
  CHECK(routes[1]["origins"] == json{"a"});
  CHECK(routes[2]["next_hops"] == json{"b"});
  CHECK(routes[2]["origins"] == json{"b"});
  CHECK(routes[2]["metric"] == 10);
  CHECK(routes[3]["next_hops"] == json{to_base64(key_of(9))});
  CHECK(routes[5]["reason"] == "own_prefix");
}

TEST_CASE_FIXTURE(Pair, "The database is shown with links and verdicts") {
  const json lsdb = show("lsdb");
  REQUIRE(lsdb.size() == 2);
  const json& of_b = row_with(lsdb, "origin", "b");
  CHECK(of_b["public_key"] == to_base64(key_of(2)));
  CHECK(of_b["reachable"] == true);
  CHECK(of_b["transit"] == true);
  CHECK(of_b["links"] == json::array({{{"neighbor", "a"}, {"metric", 10}, {"manual", true}, {"two_way", true}}}));
  CHECK(row_with(of_b["prefixes"], "prefix", "8.8.8.0/24")["verdict"] == "not_in_accept");
  CHECK(row_with(of_b["prefixes"], "prefix", "10.0.0.2/32")["verdict"] == "accepted");
}

TEST_CASE_FIXTURE(Pair, "Tunnels are shown with what was dropped, and at last what came from strangers") {
  const json tunnels = show("tunnels");
  REQUIRE(tunnels.size() == 3);
  CHECK(tunnels[0]["name"] == "b");
  CHECK(tunnels[0]["routing"] == true);
  CHECK(tunnels[0]["last_handshake_s"] == 12);
  CHECK(tunnels[0]["rx_bytes"] == 1000);
  CHECK(tunnels[0]["drops"] == json{{"replayed", 3}});
  CHECK(tunnels[1]["name"] == to_base64(key_of(9)));
  CHECK(tunnels[1]["routing"] == false);
  CHECK(tunnels[1]["endpoint"].is_null());
  CHECK(tunnels[1]["last_handshake_s"].is_null());
  CHECK(tunnels[1]["unanswered_initiations"] == 5);
  CHECK(tunnels[2] == json{{"name", nullptr}, {"drops", {{"bad_mac1", 2}}}});
}

TEST_CASE_FIXTURE(Pair, "A handshake is never in the future, whatever the wall clock does") {
  backend.reported.peers[0].last_handshake = now.wall + 1h;
  CHECK(show("tunnels")[0]["last_handshake_s"] == 0);
}

TEST_CASE_FIXTURE(Pair, "Egress and ingress are read from the engine, sorted, with names") {
  CHECK(show("egress") ==
        json::array({{{"prefix", "10.0.0.2/32"}, {"next_hops", {"b"}}, {"backup", nullptr}},
                     {{"prefix", "10.7.0.0/16"}, {"next_hops", {to_base64(key_of(9))}}, {"backup", "b"}}}));
  const json ingress = show("ingress");
  CHECK(ingress[0] == json{{"prefix", "10.0.0.2/32"}, {"allowed", {"b"}}});
  CHECK(ingress[1]["allowed"].size() == 2);
}

TEST_CASE_FIXTURE(Pair, "Transit is read from the engine, by family, with what stands in its way") {
  backend.set_transit({true,
                       {prefix("10.0.0.1/32"), prefix("10.5.0.0/16"), prefix("fd00:1::/48")},
                       IpAddress::parse("10.0.0.1"),
                       std::nullopt});
  json shown = show("transit");
  CHECK(shown["offered"] == true);
  CHECK(shown["families"][0] == json{{"family", "ipv4"},
                                     {"fast_path", false},
                                     {"reason", "policy rule 100 looks at: source"},
                                     {"source", "10.0.0.1"},
                                     {"punts", {"10.0.0.1/32", "10.5.0.0/16"}}});
  CHECK(shown["families"][1] == json{{"family", "ipv6"},
                                     {"fast_path", true},
                                     {"reason", nullptr},
                                     {"source", nullptr},
                                     {"punts", json::array({"fd00:1::/48"})}});
  CHECK(shown["kernel_routes"] == 17);
  CHECK(shown["dropping_chains"] == json{"ip f c"});
  backend.set_transit({});
  transit = {};
  shown = show("transit");
  CHECK(shown["families"][1]["fast_path"] == false);
  CHECK(shown["offered"] == false);
}

TEST_CASE_FIXTURE(Pair, "What nobody can show is an error that lists what can be shown") {
  for (const json& request : {json{{"command", "show"}, {"what", "weather"}}, json{{"command", "show"}},
                              json{{"command", "show"}, {"what", 7}}}) {
    const auto answer = answer_request(context(), request);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().message ==
          "`what` is one of status, neighbors, routes, lsdb, grants, tunnels, egress, ingress, transit");
  }
  CHECK(answer_request(context(), {{"command", "dance"}}).error().message.find("unknown command") == 0);
}

TEST_CASE_FIXTURE(Pair, "A neighbour without a known name is called by its key, and one without a key by its number") {
  CHECK(names.neighbor(kToB) == "b");
  CHECK(names.neighbor(kStock) == to_base64(key_of(9)));
  CHECK(names_from(a.router, nullptr).neighbor(44) == "peer 44");
  CHECK(names.node(b.identity.id()) == "b");
  CHECK(names.node(routing::NodeId{}) == "00000000");
}

TEST_CASE_FIXTURE(Pair, "A route says who else announces its prefix") {
  const json routes = show("routes");
  CHECK(row_with(routes, "prefix", "10.0.0.2/32")["note"].is_null());
  const json& own = row_with(routes, "status", "own");  // the first: 10.0.0.1/32
  CHECK(own["note"].is_null());
  const auto is_noted = [](const json& row) { return !row["note"].is_null(); };
  const auto noted = std::find_if(routes.begin(), routes.end(), is_noted);
  REQUIRE(noted != routes.end());
  CHECK((*noted)["prefix"] == "10.9.0.0/16");
  CHECK((*noted)["status"] == "own");
  CHECK((*noted)["note"] == "announced by a, b");
  CHECK(std::count_if(routes.begin(), routes.end(), is_noted) == 1);
}

TEST_CASE_FIXTURE(Members, "With a network key the grants are shown, and what none allows is refused") {
  const json grants = show("grants");
  REQUIRE(grants.size() == 2);
  const json& of_b = row_with(grants, "name", "b");
  CHECK(of_b["node"] == routing::to_string(b.identity.id()));
  CHECK(of_b["state"] == "member");
  CHECK(of_b["serial"] == 1);
  CHECK(of_b["until"] == "2027-01-15T08:00:00Z");
  CHECK(of_b["prefixes"] == json{"10.0.0.0/24+"});
  CHECK(show("status")["network_key"] == to_base64(Trust().owner.id().bytes));
  CHECK(show("status")["granted_until"] == "2027-01-15T08:00:00Z");
  const json routes = show("routes");
  CHECK(row_with(routes, "prefix", "10.0.0.2/32")["status"] == "installed");
  CHECK(row_with(routes, "prefix", "8.8.8.0/24")["reason"] == "not_granted");
  const json lsdb = show("lsdb");
  CHECK(lsdb.size() == 2);
  for (const json& announced : row_with(lsdb, "origin", "b")["prefixes"]) {
    CHECK((announced["verdict"] == "accepted") == (announced["prefix"] == "10.0.0.2/32"));
  }
}
