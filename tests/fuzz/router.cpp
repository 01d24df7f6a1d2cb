// A Router between an honest neighbour and one that says whatever the fuzzer likes, in raw bytes or in well-formed
// packets with signatures that verify: Hellos of any life, announcements of its own, of others and of the victim
// itself, questions and answers. The routes that the victim tells of must be those that it has, at every step. At the
// end the attacker is silent, and the two honest ones must find together again.
#include <cstddef>

#include "routing/grant.h"
#include "routing/identity.h"
#include "routing/messages.h"
#include "sim/rogue.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/tamper.h"
#include "topologies/lab/sim/network.h"

using namespace starling;
using namespace starling::fuzz;
using namespace std::chrono_literals;

namespace {

constexpr int kStepsMax = 100;
constexpr sim::NodeIndex kVictim = 0, kHonest = 1, kRogue = 2, kFar = 3;

class Script {
 public:
  Script(Bytes bytes, bool needless_timers) : input_(bytes), network_(1) {
    for (int i = 0; i < 4; i++) network_.add_node();
    if (!bytes.empty() && bytes.back() % 2 == 1) found_network(bytes.back() % 4 == 3);
    network_.link(kVictim, kHonest);
    network_.link(kVictim, kRogue);
    network_.link(kHonest, kFar);
    for (const sim::NodeIndex node : {kVictim, kHonest, kFar}) network_.start(node);
    if (needless_timers) network_.call_timers_at_random(5);
    network_.on_send = [this](const sim::InFlight& packet) {
      if (packet.to == kRogue) listen(packet.bytes);
      return packet.to != kRogue;
    };
    network_.run_for(500ms);
  }

  std::uint64_t run() {
    for (int i = 0; i < kStepsMax && !input_.empty(); i++) {
      step();
      FUZZ_CHECK(network_.mirror_is_exact(kVictim));
    }
    mend();
    return network_.trace_hash();
  }

 private:
  // With a key, of which all but perhaps the rogue have a grant.
  void found_network(bool with_rogue) {
    has_key_ = true;
    for (const sim::NodeIndex node : {kVictim, kHonest, kFar}) network_.set_trust(node, owner_.id(), {grant_of(node)});
    if (with_rogue) network_.set_trust(kVictim, owner_.id(), {grant_of(kVictim), grant_of(kRogue)});
  }
  routing::LsaHandle sign(const routing::Grant& grant, const routing::Identity& signer) {
    return routing::sign_grant(grant, [&](Bytes message) { return signer.sign(message); });
  }
  routing::LsaHandle grant_of(sim::NodeIndex node) {
    routing::Grant grant{network_.identity(node).id(), 5, 4'000'000'000, false, {}};
    grant.rights.push_back(routing::PrefixPattern::parse("10.0.0.0/8+").value());
    return sign(grant, owner_);
  }
  // The owner has signed what it likes for the rogue, and nothing more for the others.
  void send_grant() {
    const routing::NodeId holder = some_node();
    const bool of_rogue = holder == network_.identity(kRogue).id();
    routing::Grant grant{holder, 1u + input_.u8(), 1, false, {}};
    const auto now_s = static_cast<std::uint64_t>(network_.now().wall.time_since_epoch() / std::chrono::seconds(1));
    grant.until_s = input_.flag() ? now_s + input_.u8() : std::uint64_t{1} + input_.u32();
    grant.revoked = input_.flag();
    if (!grant.revoked && input_.flag()) grant.rights.push_back({Prefix(IpAddress::v4({10, 0, 0, 0}), 8), 8, 24});
    routing::LsaHandle lsa = sign(grant, of_rogue ? owner_ : network_.identity(kRogue));
    if (input_.below(8) == 7) lsa = routing::without_body(*lsa);
    std::vector<std::vector<std::uint8_t>> packets;
    routing::UpdatePacker(envelope(), packets).add(*lsa, input_.u32());
    for (auto& packet : packets) send(std::move(packet));
  }

  void step() {
    if (has_key_ && input_.below(4) == 0) return send_grant();
    switch (input_.below(14)) {
      case 0: network_.run_for(std::chrono::milliseconds(input_.u8())); break;
      case 1: network_.run_for(std::chrono::milliseconds(input_.u16() % 8000)); break;
      case 2: {
        const Bytes raw = input_.take(input_.u8());
        send({raw.begin(), raw.end()});
        break;
      }
      case 3: send_hello(); break;
      case 4: send(routing::encode(envelope(), routing::Ask{some_key()})); break;
      case 5: send_headers(); break;
      case 6: send_request(); break;
      case 7: send_ack(); break;
      case 8:
      case 9: send_update(); break;
      case 10: send_body(); break;
      case 11: change_victim(); break;
      case 12:
        send(routing::encode(envelope(),
                             routing::PathProbe{input_.u32(), static_cast<std::uint16_t>(input_.u16() % 3000)}));
        break;
      case 13: send(routing::encode(envelope(), routing::PathAnswer{input_.u8(), input_.u32()})); break;
    }
  }

  void listen(Bytes packet) {
    const auto message = routing::decode_message(packet);
    FUZZ_CHECK(message.ok());  // whatever it was told, it makes no packet that cannot be read
    victim_instance_ = message->envelope.instance;
  }

  // Right, wrong or changed on its way.
  routing::Envelope envelope() {
    routing::Envelope envelope{7, victim_instance_};
    const std::uint8_t choice = input_.u8();
    if (choice >= 250) envelope.instance = choice;
    if (choice >= 240 && choice < 250) envelope.peer_instance = choice;
    return envelope;
  }
  void send(std::vector<std::uint8_t> packet) {
    if (input_.below(8) == 0) tamper(input_, packet);
    network_.inject(kVictim, kRogue, packet);
  }

  routing::NodeId some_node() {
    const std::uint8_t choice = input_.u8();
    if (choice < 240) return network_.identity(choice % 4).id();
    routing::NodeId node;
    node.bytes.fill(choice);
    return node;
  }
  routing::LsaKey some_key() {
    const routing::NodeId node = some_node();
    return {node, static_cast<std::uint16_t>(input_.below(70))};
  }
  // Near the present, or far away.
  std::uint64_t some_sequence() {
    const std::uint64_t present = static_cast<std::uint64_t>(network_.now().wall.time_since_epoch().count() / 1000);
    switch (input_.below(4)) {
      case 0: return input_.u8();
      case 1: return present + input_.u16();
      case 2: return routing::kMaxSequence - input_.below(4);
      default: return input_.u64();
    }
  }

  void send_hello() {
    routing::Hello hello;
    hello.sequence = input_.u8();
    hello.timestamp_us = input_.u32();
    hello.has_echo = input_.flag();
    hello.echo_timestamp_us = input_.u32();
    hello.echo_hold_us = input_.u16();
    hello.interval_us = 10'000 + input_.u16() * 900u;
    hello.multiplier = static_cast<std::uint8_t>(2 + input_.below(49));
    hello.state = static_cast<routing::NeighborState>(input_.below(4));
    hello.goodbye = input_.below(16) == 15;
    hello.node = input_.below(4) == 3 ? some_node() : network_.identity(kRogue).id();
    if (input_.flag()) hello.digest = network_.router(kVictim).digest();
    send(routing::encode(envelope(), hello));
  }

  void send_headers() {
    routing::Headers headers;
    headers.from = some_key();
    headers.next = some_key();
    headers.end = input_.flag();
    for (std::size_t i = input_.below(8); i > 0; i--) {
      const routing::LsaKey key = some_key();
      headers.summaries.push_back({key, some_sequence(), input_.u8()});
    }
    send(routing::encode(envelope(), headers));
  }

  void send_request() {
    routing::Request request;
    for (std::size_t i = input_.below(8); i > 0; i--) request.keys.push_back(some_key());
    send(routing::encode(envelope(), request));
  }

  void send_ack() {
    routing::Ack ack;
    for (std::size_t i = input_.below(8); i > 0; i--) {
      const routing::LsaKey key = some_key();
      ack.summaries.push_back({key, some_sequence(), input_.u8()});
    }
    send(routing::encode(envelope(), ack));
  }

  routing::LsaContent some_content() {
    routing::LsaContent content;
    if (input_.below(4) != 0) {
      const sim::NodeIndex claimed = static_cast<sim::NodeIndex>(input_.below(4));
      content.attributes =
          routing::NodeAttributes{"rogue", network_.wireguard_key(claimed), input_.flag(), input_.flag()};
    }
    for (std::size_t i = input_.below(5); i > 0; i--) {
      routing::LsaLink link;
      link.neighbor = some_node();
      link.metric = input_.flag() ? routing::kMaxLinkMetric : 1 + input_.u8();
      content.links.push_back(link);
    }
    for (std::size_t i = input_.below(5); i > 0; i--) {
      const IpAddress address = IpAddress::v4({10, 0, static_cast<std::uint8_t>(input_.below(5)), 0});
      content.prefixes.emplace_back(address, static_cast<int>(input_.below(33)));
    }
    return content;
  }

  // Mostly signed by the rogue itself. With another's key it plays that one's former life, which has signed once.
  void send_update() {
    std::vector<std::vector<std::uint8_t>> packets;
    routing::UpdatePacker packer(envelope(), packets);
    for (std::size_t i = 1 + input_.below(3); i > 0; i--) {
      const sim::NodeIndex signer = input_.below(4) == 3 ? static_cast<sim::NodeIndex>(input_.below(4)) : kRogue;
      const routing::Identity& identity = network_.identity(signer);
      const auto fragment = static_cast<std::uint16_t>(input_.below(4) == 3 ? input_.u8() : 0);
      const std::uint32_t lifetime_s = input_.below(4) == 3 ? input_.u32() : 3600;
      const std::uint64_t sequence = some_sequence();
      routing::LsaHandle lsa = routing::make_lsa({identity.id(), fragment}, sequence, lifetime_s, some_content(),
                                                 [&](Bytes message) { return identity.sign(message); });
      if (input_.below(8) == 7) lsa = routing::without_body(*lsa);
      packer.add(*lsa, input_.flag() ? 3'600'000 : input_.u32());
    }
    for (auto& packet : packets) send(std::move(packet));
  }

  // A body that no encoder of ours makes, with a right hash and signature.
  void send_body() {
    const Bytes raw = input_.take(input_.u8());
    const routing::Identity& identity = network_.identity(kRogue);
    routing::LsaHeader header{{identity.id(), 0}, some_sequence(), 3600, routing::hash_body(raw)};
    const routing::Signature signature = identity.sign(routing::signature_input(header));
    std::vector<std::vector<std::uint8_t>> packets;
    routing::UpdatePacker(envelope(), packets)
        .add(routing::Lsa(header, signature, {raw.begin(), raw.end()}, {}), 3'600'000);
    for (auto& packet : packets) send(std::move(packet));
  }

  void change_victim() {
    switch (input_.below(5)) {
      case 0: network_.set_cost(kVictim, kHonest, 1 + input_.u8()); break;
      case 1:
        network_.lose_carrier(kVictim, kRogue);
        network_.restore(kVictim, kRogue);
        break;
      case 2: network_.cut(kVictim, kHonest); break;
      case 3: network_.restore(kVictim, kHonest); break;
      case 4: network_.set_drained(kVictim, input_.flag()); break;
    }
  }

  void mend() {
    network_.restore(kVictim, kHonest);
    network_.lose_carrier(kVictim, kRogue);
    const auto is_whole = [this] {
      return network_.state(kVictim, kHonest) == routing::NeighborState::full &&
             network_.state(kHonest, kVictim) == routing::NeighborState::full &&
             network_.router(kVictim).digest() == network_.router(kHonest).digest();
    };
    FUZZ_CHECK(network_.run_until(is_whole, 120s, 100ms));
    for (const sim::NodeIndex node : {kVictim, kHonest, kFar}) {
      FUZZ_CHECK(network_.mirror_is_exact(node));
      // What the rogue has said is no more than it can say: the honest ones' own announcements stand.
      FUZZ_CHECK(network_.router(node).database(network_.now()).size() <= 4 * routing::kMaxFragments + 16);
    }
  }

  FuzzInput input_;
  sim::Network network_;
  const routing::Identity owner_ = routing::Identity::of_network(SecretKey{});
  bool has_key_ = false;
  std::uint64_t victim_instance_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  // Twice: nothing may depend on anything but the script, nor on calls of on_timer that were not asked for.
  FUZZ_CHECK(Script(bytes, false).run() == Script(bytes, true).run());
  return 0;
}
