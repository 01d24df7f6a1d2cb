#include "sim/rogue.h"

namespace starling::sim {

using namespace std::chrono_literals;

Rogue::Rogue(Network& network, NodeIndex self, NodeIndex victim) : network_(network), self_(self), victim_(victim) {
  claimed_ = network.identity(self).id();
}

void Rogue::become_adjacent() {
  const auto before = network_.on_send;
  network_.on_send = [&](const InFlight& packet) {
    if (packet.from == victim_ && packet.to == self_) {
      victim_instance_ = routing::decode_message(packet.bytes).value().envelope.instance;
    }
    return true;
  };
  hello();  // answered at once
  network_.on_send = before;
  hello();
}

void Rogue::become_adjacent(const routing::NodeId& claimed) {
  claimed_ = claimed;
  become_adjacent();
}

void Rogue::hello() {
  routing::Hello hello;
  hello.sequence = sequence_++;
  hello.interval_us = 60'000'000;  // does not fall silent during a test
  hello.multiplier = 50;
  hello.node = claimed_;
  send(routing::encode(envelope(), hello));
}

void Rogue::stay_for(Duration duration) {
  for (Duration passed{}; passed < duration; passed += 10ms) {
    hello();
    network_.run_for(10ms);
  }
}

void Rogue::finish_exchange() {
  routing::Headers headers;
  headers.end = true;
  send(routing::encode(envelope(), headers));
}

void Rogue::send_lsa(const routing::Lsa& lsa, std::uint32_t remaining_ms) {
  std::vector<std::vector<std::uint8_t>> packets;
  routing::UpdatePacker(envelope(), packets).add(lsa, remaining_ms);
  for (const auto& packet : packets) send(packet);
}

void Rogue::send_with_signature(const routing::Lsa& lsa, const routing::Signature& signature) {
  const auto body = lsa.body();
  send_lsa(routing::Lsa(lsa.header(), signature, {body.begin(), body.end()}, lsa.content()));
}

void Rogue::send(const std::vector<std::uint8_t>& packet) {
  network_.inject(victim_, self_, packet);
}

routing::LsaHandle Rogue::lsa_of(NodeIndex origin, std::uint64_t sequence, routing::LsaContent content,
                                 std::uint16_t fragment) const {
  const routing::Identity& identity = network_.identity(origin);
  return routing::make_lsa({identity.id(), fragment}, sequence, 3600, std::move(content),
                           [&](Bytes message) { return identity.sign(message); });
}

routing::LsaContent Rogue::content(const PublicKey& wireguard_key, const std::string& prefix) const {
  routing::LsaContent content;
  content.attributes = routing::NodeAttributes{"rogue", wireguard_key, true, false};
  routing::LsaLink link;
  link.neighbor = network_.identity(victim_).id();
  content.links.push_back(link);
  content.prefixes.push_back(Prefix::parse(prefix).value());
  return content;
}

}  // namespace starling::sim
