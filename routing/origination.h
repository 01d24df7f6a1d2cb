// Our own announcements: what goes into which fragment, and with which sequence.
//
// Invariants: a link or prefix stays in its fragment while it exists, so one change touches one fragment; a sequence is
// never used twice in one life, and the first is at least the wall clock in microseconds and greater than every
// verified echo of a former life.
#pragma once

#include <map>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "routing/limits.h"
#include "routing/lsa.h"

namespace starling::routing {

class Originator {
 public:
  // `sign` and `random` must outlive it.
  Originator(const NodeId& self, const SignFunction& sign, RandomSource& random);

  // Signs what changed since the last call, and what is due for a refresh. Links and prefixes must be sorted, each
  // neighbour and prefix once. What fits no fragment any more is left out and counted.
  std::vector<LsaHandle> update(Now now, const NodeAttributes& attributes, const std::vector<LsaLink>& links,
                                const std::vector<Prefix>& prefixes);
  // Signed empty announcements for all fragments in use.
  std::vector<LsaHandle> withdraw_all(Now now);

  // A verified announcement of a former life, or of a twin with our key: the next update() jumps past it (an unused
  // fragment is withdrawn).
  void on_echo(const LsaHeader& echo);
  Time next_refresh() const;
  std::size_t left_out() const { return left_out_; }

 private:
  struct Fragment {
    LsaContent content;
    std::size_t size = 0;        // bytes of the encoded content
    std::uint64_t sequence = 0;  // newest known, ours or an echo
    bool changed = false;        // to be signed again, in content or only in sequence
    bool in_use = false;         // something of ours is announced under it in this life
    Time refresh_at = kNever;
  };

  void place_attributes(const NodeAttributes& attributes);
  void place_links(const std::vector<LsaLink>& links);
  void place_prefixes(const std::vector<Prefix>& prefixes);
  Fragment* fragment_with_room(std::size_t size);
  LsaHandle sign_fragment(Now now, std::uint16_t number, Fragment& fragment);

  NodeId self_;
  const SignFunction& sign_;
  RandomSource& random_;
  std::map<std::uint16_t, Fragment> fragments_;
  std::size_t left_out_ = 0;
};

// Whether two contents mean the same: measured values (round trip, loss) aside, which are told along but are no reason
// to announce or to compute anything.
bool same_meaning(const LsaContent& a, const LsaContent& b);

}  // namespace starling::routing
