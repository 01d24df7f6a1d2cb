// Our own announcements: what goes into which fragment, when, and with which sequence.
//
// Invariants: a link or prefix stays in its fragment while it exists, so one change touches one fragment; a sequence is
// never used twice in one life, and the first is at least the wall clock in microseconds and greater than every
// verified echo of a former life. Good news that comes soon after other news waits for more of its kind, and the first
// links of a life for each other. What has gone is left out at once; what comes and goes too often comes back late
// (flap_damper.h). Echoes of a former life are jumped past at once; a twin that jumps back is answered ever more
// slowly.
#pragma once

#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "routing/duplicate_watch.h"
#include "routing/flap_damper.h"
#include "routing/limits.h"
#include "routing/lsa.h"

namespace starling::routing {

class Originator {
 public:
  // `sign` and `random` must outlive it.
  Originator(const NodeId& self, const SignFunction& sign, RandomSource& random);

  // Signs what changed since the last call, and what is due for a refresh. Links and prefixes must be sorted, each
  // neighbour and prefix once. `more_links_expected`: not every neighbour is up. What fits no fragment any more is left
  // out and counted.
  std::vector<LsaHandle> update(Now now, const NodeAttributes& attributes, const std::vector<LsaLink>& links,
                                const std::vector<Prefix>& prefixes, bool more_links_expected = false);
  // Signed empty announcements for all fragments in use.
  std::vector<LsaHandle> withdraw_all(Now now);

  // A verified announcement of a former life, or of a twin with our key: an update() jumps past it (an unused fragment
  // is withdrawn). True if only a twin can be the reason.
  bool on_echo(Now now, const LsaHeader& echo);
  // When update() has something to do even if nothing changes: a refresh, an echo, something that was held back.
  Time next_due() const;
  std::size_t left_out() const { return links_left_out_ + prefixes_left_out_; }
  // What we announce at present.
  std::vector<LsaHandle> current() const;

 private:
  struct Fragment {
    LsaContent content;
    std::size_t size = 0;        // bytes of the encoded content
    std::uint64_t sequence = 0;  // newest known, ours or an echo
    bool changed = false;        // to be signed again
    LsaHandle lsa;               // as announced in this life; nothing if nothing of ours is
    Time refresh_at = kNever;
    Time jump_at = kNever;  // when an echo is to be jumped past
    DuplicateWatch echoes;
  };

  void place_attributes(const NodeAttributes& attributes);
  void place_links(Time now, const std::vector<LsaLink>& links);
  void place_prefixes(Time now, const std::vector<Prefix>& prefixes);
  void drop_prefixes(Time now, const std::vector<Prefix>& prefixes);
  Fragment& fragment(std::uint16_t number);
  Fragment* fragment_with_room(std::size_t size);
  LsaHandle sign_fragment(Now now, std::uint16_t number, Fragment& fragment);
  // When a new link or prefix may be announced, with whatever else is new by then: at once if we sign anyway.
  Time gathered_at() const;
  void note_signing(Time now);

  NodeId self_;
  const SignFunction& sign_;
  RandomSource& random_;
  std::vector<Fragment> fragments_;  // by number
  std::vector<Prefix> prefixes_;     // as last given
  FlapDamper<NodeId> link_flaps_;
  FlapDamper<Prefix> prefix_flaps_;
  Time links_held_until_ = kNever;  // the first of them; kNever: none is held back
  Time prefixes_held_until_ = kNever;
  std::optional<Time> signed_at_;
  Duration gather_ = kGatherMin;
  bool is_first_ = false;             // what was signed last was the first of this life
  bool more_links_expected_ = false;  // as last given
  std::size_t links_left_out_ = 0;
  std::size_t prefixes_left_out_ = 0;
};

// Whether two contents mean the same: measured values (round trip, loss) aside, which are told along but are no reason
// to announce or to compute anything.
bool same_meaning(const LsaContent& a, const LsaContent& b);

}  // namespace starling::routing
