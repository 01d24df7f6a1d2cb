// A neighbour that a test plays by hand: it says whatever it likes, in well-formed packets. Occupies a node of the
// network that is never started.
#pragma once

#include "routing/messages.h"
#include "topologies/lab/sim/network.h"

namespace starling::sim {

class Rogue {
 public:
  // `self` must be linked to `victim`; the rogue has the victim's true tunnel key for it.
  Rogue(Network& network, NodeIndex self, NodeIndex victim);

  // Two Hellos: the victim holds us in Exchange, and believes that we are `claimed` (ourselves by default).
  void become_adjacent();
  void become_adjacent(const routing::NodeId& claimed);
  void hello();
  // Time passes, in which it says Hello every 10 ms: who answers neither data nor probes is soon held for dead.
  void stay_for(Duration duration);
  // Answers the victim's question for our headers: we have nothing.
  void finish_exchange();
  void send_lsa(const routing::Lsa& lsa, std::uint32_t remaining_ms = 3'600'000);
  // Like send_lsa, but with another announcement's (or no true) signature.
  void send_with_signature(const routing::Lsa& lsa, const routing::Signature& signature);
  void send(const std::vector<std::uint8_t>& packet);

  // Signed by the identity of any node of the network.
  routing::LsaHandle lsa_of(NodeIndex origin, std::uint64_t sequence, routing::LsaContent content,
                            std::uint16_t fragment = 0) const;
  routing::LsaContent content(const PublicKey& wireguard_key, const std::string& prefix) const;
  routing::Envelope envelope() const { return {instance_, victim_instance_}; }

 private:
  Network& network_;
  NodeIndex self_;
  NodeIndex victim_;
  routing::NodeId claimed_;
  std::uint64_t instance_ = 77;
  std::uint64_t victim_instance_ = 0;
  std::uint32_t sequence_ = 0;
};

}  // namespace starling::sim
