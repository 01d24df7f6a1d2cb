// The Router in the daemon's loop, with two neighbours that are routers too: what is carried out first.
#include "daemon/routing_host.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>

#include "routing/identity.h"
#include "routing/limits.h"
#include "routing/messages.h"
#include "tests/unit/daemon/remembering_backend.h"

using namespace starling;
using namespace starling::daemon;
using namespace std::chrono_literals;
using Call = RememberingBackend::Call;

namespace {

constexpr routing::NeighborId kUs = 7;  // as both neighbours know us
const Prefix kAnycast = Prefix::parse("10.9.0.0/24").value();

// Of the neighbour of this number, or of ourselves.
PublicKey key_of(routing::NeighborId number) {
  PublicKey key;
  key.bytes.fill(static_cast<std::uint8_t>(number));
  return key;
}

routing::RouterConfig config_of(const routing::Identity& identity, std::uint8_t number, std::vector<Prefix> announced) {
  routing::RouterConfig config{};
  config.id = identity.id();
  config.wireguard_key = key_of(number);
  config.name = "node" + std::to_string(number);
  config.announced = std::move(announced);
  return config;
}

// A neighbour that announces the same prefix as the other.
struct Peer {
  explicit Peer(std::uint8_t number)
      : identity(SecretKey(std::vector<std::uint8_t>(kKeySize, number))),
        router(
            config_of(identity, number, {kAnycast}), [this](Bytes m) { return identity.sign(m); },
            routing::verify_signature, random) {
    router.start(system_now());
    router.add_neighbor(system_now(), kUs, {.wireguard_key = key_of(9), .cost = 10});
  }

  routing::Identity identity;
  SystemRandom random;
  routing::Router router;
};

struct Host {
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  RememberingBackend backend{240ms};
  EventLog log{"node9"};
  routing::Identity identity{SecretKey(std::vector<std::uint8_t>(kKeySize, 9))};
  Peer peers[2]{Peer(1), Peer(2)};  // their numbers are those of the tunnels to them, less one
  RoutingHost host{io,
                   backend,
                   log,
                   config_of(identity, 9, {}),
                   [this](Bytes m) { return identity.sign(m); },
                   {},
                   {.on_touched = [](TouchedRoutes) {},
                    .before_egress = [](const wg::EgressDescription&) {},
                    .on_neighbor_state = [](routing::NeighborId, routing::NeighborState, Now) {},
                    .dispatch_engine = [] {},
                    .drain_engine = [] {},
                    .key_of = [](routing::NeighborId id) { return key_of(id); }}};

  Host() {
    host.start();
    for (const routing::NeighborId id : {1u, 2u}) host.add_neighbor(id, {.wireguard_key = key_of(id), .cost = 10});
  }

  Peer& peer(routing::NeighborId id) { return peers[id - 1]; }

  // All that was sent arrives at once.
  void deliver() {
    for (const RememberingBackend::Sent& packet : std::exchange(backend.sent, {}))
      peer(packet.peer).router.on_packet(system_now(), kUs, packet.payload);
    for (const routing::NeighborId id : {1u, 2u}) {
      const routing::RouterOutbox outbox = std::exchange(peer(id).router.outbox(), {});
      for (const auto& packet : outbox.packets) host.on_packet(system_now(), id, packet.bytes);
    }
  }

  // Until `holds`, or for 10 s: the loop sleeps until somebody has something to do.
  bool run_until(const std::function<bool()>& holds) {
    const Time limit = monotonic_now() + 10s;
    while (!holds()) {
      if (monotonic_now() > limit) return false;
      deliver();
      const Time next = std::min({limit, peers[0].router.next_deadline(), peers[1].router.next_deadline()});
      io.run_one_until(std::chrono::steady_clock::time_point(next.time_since_epoch()));
      for (Peer& each : peers) each.router.on_timer(system_now());
    }
    return true;
  }

  // Until all that was said is acknowledged and nobody has said anything for so long that the next news goes at once.
  bool settle() {
    const Time limit = monotonic_now() + 10s;
    for (bool silent = false; !silent;) {
      if (monotonic_now() > limit) return false;
      deliver();
      io.run_until(std::chrono::steady_clock::now() + 2 * routing::kFloodSpacing);
      for (Peer& each : peers) each.router.on_timer(system_now());
      const auto neighbors = host.router().neighbors();
      silent = backend.sent.empty() && peers[0].router.outbox().packets.empty() &&
               peers[1].router.outbox().packets.empty() &&
               std::all_of(neighbors.begin(), neighbors.end(), [](const auto& each) { return each.in_flight == 0; });
    }
    return true;
  }

  // How many links of ours a neighbour has heard of.
  std::size_t links_known_to(routing::NeighborId id) {
    for (const routing::LsaView& lsa : peer(id).router.database(system_now()))
      if (lsa.key.origin == identity.id() && lsa.key.fragment == 0) return lsa.links.size();
    return 0;
  }

  // Of our newest announcement.
  std::uint64_t sequence() const {
    for (const routing::LsaView& lsa : host.router().database(system_now()))
      if (lsa.key.origin == identity.id() && lsa.key.fragment == 0) return lsa.sequence;
    return 0;
  }

  std::vector<wg::PeerId> next_hops() const {
    const wg::EgressDescription egress = backend.egress();
    for (const wg::EgressEntry& entry : egress.entries)
      if (entry.prefix == kAnycast) return egress.groups.at(entry.group).members;
    return {};
  }
};

}  // namespace

TEST_CASE_FIXTURE(Host, "When a neighbour is lost, traffic is moved by one swap of groups before anybody is told") {
  REQUIRE(run_until([&] { return next_hops() == std::vector<wg::PeerId>{1, 2} && links_known_to(2) == 2; }));
  REQUIRE(settle());
  backend.calls.clear();
  host.on_carrier_lost(1);
  CHECK(next_hops() == std::vector<wg::PeerId>{2});
  REQUIRE(backend.calls.size() >= 2);
  CHECK(backend.calls.front() == Call::set_egress_groups);
  CHECK(std::count(backend.calls.begin(), backend.calls.end(), Call::set_egress_groups) == 1);
  CHECK(std::count(backend.calls.begin(), backend.calls.end(), Call::set_egress) == 0);
  CHECK(backend.calls.back() == Call::send_control);
  // The other neighbour is told in the same call.
  CHECK(std::any_of(backend.sent.begin(), backend.sent.end(), [](const auto& packet) { return packet.peer == 2; }));
}

TEST_CASE_FIXTURE(Host, "A suspect's traffic is moved by one swap of groups, and nothing is announced") {
  REQUIRE(run_until([&] { return next_hops() == std::vector<wg::PeerId>{1, 2} && links_known_to(2) == 2; }));
  REQUIRE(settle());
  backend.calls.clear();
  const std::uint64_t sequence_before = sequence();
  host.on_quiet(system_now(), 1);
  // The first one answers nothing from now on, the other everything.
  std::vector<RememberingBackend::Sent> sent;
  const auto others_hear = [&] {
    for (RememberingBackend::Sent& packet : std::exchange(backend.sent, {})) {
      if (packet.peer == 2) peer(2).router.on_packet(system_now(), kUs, packet.payload);
      sent.push_back(std::move(packet));
    }
    for (const auto& packet : std::exchange(peer(2).router.outbox(), {}).packets)
      host.on_packet(system_now(), 2, packet.bytes);
  };
  const Time limit = monotonic_now() + 10s;
  while (next_hops() != std::vector<wg::PeerId>{2} && monotonic_now() < limit) {
    others_hear();
    peer(2).router.on_timer(system_now());
    io.run_one_until(std::chrono::steady_clock::now() + 5ms);
  }
  CHECK(next_hops() == std::vector<wg::PeerId>{2});
  CHECK(host.router().neighbors().at(0).suspect);
  CHECK(host.router().neighbors().at(0).state == routing::NeighborState::full);
  CHECK(std::count(backend.calls.begin(), backend.calls.end(), Call::set_egress_groups) == 1);
  CHECK(std::count(backend.calls.begin(), backend.calls.end(), Call::set_egress) == 0);
  others_hear();
  // What is left from the start may still be repeated or acknowledged, but we announce nothing new.
  CHECK(sequence() == sequence_before);
  for (const RememberingBackend::Sent& packet : sent) {
    const auto message = routing::decode_message(packet.payload);
    const auto* update = std::get_if<routing::Update>(&message->content);
    for (const routing::ReceivedLsa& lsa : update != nullptr ? update->lsas : std::vector<routing::ReceivedLsa>{})
      CHECK((lsa.header.key.origin != identity.id() || lsa.header.sequence <= sequence_before));
  }
  CHECK(links_known_to(2) == 2);
}

TEST_CASE_FIXTURE(Host, "How late the engine was is told to the neighbours, but not what it took to start") {
  const auto told = [&] {
    std::uint8_t most = 0;
    for (const RememberingBackend::Sent& packet : backend.sent) {
      const auto message = routing::decode_message(packet.payload);
      if (const auto* hello = std::get_if<routing::Hello>(&message->content)) most = std::max(most, hello->lateness_ms);
    }
    return most;
  };
  CHECK(told() < 200);  // as the fixture's engine was before the start
  CHECK(run_until([&] { return host.router().neighbors().at(0).state == routing::NeighborState::full; }));
  backend.lateness = 240ms;
  backend.sent.clear();
  std::uint8_t most = 0;
  CHECK(run_until([&] { return (most = std::max(most, told())) >= 230; }));
}
