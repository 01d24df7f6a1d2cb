// Cryptokey routing (whitepaper §2): who owns which prefix. Invariant: a prefix has one owner; given to another peer it
// moves there. Each peer's prefixes keep the order in which they came, for that is how `wg` shows them.
// Every change costs the same however many there are; describing the tables costs time in proportion.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "wg/tables.h"

namespace starling::wg {

class AllowedIps {
 public:
  // To the end of the peer's list, whoever owned it.
  void add(const Prefix& prefix, PeerId peer);
  // False if it is not this peer's.
  bool remove(const Prefix& prefix, PeerId peer);
  // False if it had none.
  bool remove_all(PeerId peer);

  std::size_t size() const { return owners_.size(); }
  std::vector<Prefix> of(PeerId peer) const;

  // One group and one set for each peer that owns something.
  EgressDescription egress() const;
  IngressDescription ingress() const;

 private:
  using List = std::list<Prefix>;
  struct Owned {
    PeerId peer = kNoPeer;
    List::iterator place;
  };

  std::map<PeerId, List> lists_;  // none is empty
  std::unordered_map<Prefix, Owned> owners_;
};

}  // namespace starling::wg
