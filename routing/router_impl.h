// The inside of Router: what router_impl.cpp (its life and its timers), router_neighbors.cpp, router_announcements.cpp,
// router_compute.cpp, router_quality.cpp (what a link is worth), router_packets.cpp (what packets do),
// router_output.cpp (what is sent), router_reports.cpp (what is told) and router_views.cpp share, and router_trust.cpp
// (who is a member) and router_duplicates.cpp (who has another's key).
//
// Every input ends in finish(): announce what changed here, compute if due, then send. So one failure goes through
// origination, flooding, computation and the route change within the call that detected it.
#pragma once

#include <map>

#include "routing/alternates.h"
#include "routing/database.h"
#include "routing/first_news.h"
#include "routing/grant_book.h"
#include "routing/graph.h"
#include "routing/ingress.h"
#include "routing/neighbor.h"
#include "routing/neighbor_table.h"
#include "routing/origination.h"
#include "routing/prefix_table.h"
#include "routing/receive.h"
#include "routing/router.h"
#include "routing/routes.h"
#include "routing/spf.h"
#include "routing/spf_backoff.h"

namespace starling::routing {

// Something that is to be done, and why it was first wanted.
struct Pending {
  bool wanted = false;
  Cause cause;

  void want(const Cause& why) {
    if (!wanted) cause = why;
    wanted = true;
  }
};

struct Router::Impl {
  Impl(RouterConfig configuration, SignFunction sign_function, VerifyFunction verify_function, RandomSource& source,
       AdmitFunction admit_function);

  // --- inputs (router_impl.cpp) ---
  void reserve(std::size_t nodes);
  void start(Now now);
  void shut_down(Now now);
  void add_neighbor(Now now, NeighborId id, const NeighborConfig& neighbor_config);
  void remove_neighbor(Now now, NeighborId id);
  void on_timer(Now now);
  Time next_deadline() const;
  Now advance(Now now);
  void finish(Now now);

  // --- neighbours (router_neighbors.cpp) ---
  void apply(Now now, Neighbor& neighbor, NeighborEvent event, const char* reason);
  void act(Now now, Neighbor& neighbor, NeighborAction action, const Cause& cause);
  void push_own(Neighbor& neighbor);
  void review_adjacencies(Now now);
  bool is_bound(const Neighbor& neighbor) const;
  const char* why_not_bound(const Neighbor& neighbor) const;
  const char* obstacle_of(const Neighbor& neighbor) const;
  void judge_neighbors(Now now);
  void judge_neighbor(Now now, Neighbor& neighbor, Duration late);
  void doubt(Now now, NeighborId id, DoubtCause cause);
  void begin_doubt(Now now, Neighbor& neighbor, DoubtCause cause);
  void set_suspect(Now now, Neighbor& neighbor, bool suspect);
  void note_lateness(Time now, Duration late);
  Duration lateness(Time now) const;

  // --- links (router_quality.cpp) ---
  LinkCost cost_of(const Neighbor& neighbor) const;
  void note_hello(Now now, Neighbor& neighbor, const Hello& hello);
  void try_paths(Now now);
  void review_quality(Now now, Neighbor& neighbor);
  void announce_cost(const Neighbor& neighbor);

  // --- announcements (router_announcements.cpp) ---
  void store(Now now, LsaHandle lsa, Time expires_at, NeighborId from, const Cause& cause);
  void flood(const LsaHandle& lsa, NeighborId except);
  void pass_on_first_news(Now now);
  void note_binding(const NodeId& node);
  void note_given_up(const NodeId& origin, const LsaContent& was);
  bool is_given_up_by(const Neighbor& neighbor) const;
  void tell_of(Now now, const Lsa& lsa, const Lsa* before, NeighborId from, const Cause& cause);
  void expire(Now now);
  void originate(Now now);

  // --- routes (router_compute.cpp) ---
  void note_change(const Lsa* before, const Lsa* after, const Cause& cause);
  void note_prefixes(const Graph::Replaced& replaced, const LsaContent& was, const LsaContent& is);
  void announce_prefixes(NodeIndex node, const std::vector<Prefix>& announced);
  void review_prefixes();
  std::vector<LocalLink> local_links() const;
  bool is_computation_due(Now now);
  void compute(Now now);
  void follow_changes(Now now);
  bool find_paths(Now now, const Cause& cause, std::vector<NodeIndex>& moved, std::vector<NodeIndex>& reconsidered);
  void find_alternates(Now now);
  void publish(Now now, RouteUpdate update, const Cause& cause);
  void flip(Now now);
  void report_refused(Time now, const Cause& cause);

  // --- packets (router_packets.cpp) ---
  void on_packet(Now now, NeighborId id, Bytes payload);
  bool enter(Now now, Neighbor& neighbor, const Message& message);
  bool enter_hello(Now now, Neighbor& neighbor, const Envelope& envelope, const Hello& hello);
  bool concerns_only(const Neighbor& neighbor, const Message& message) const;
  void handle(Now now, Neighbor& neighbor, const Hello& hello);
  void handle(Now now, Neighbor& neighbor, const Ask& ask);
  void handle(Now now, Neighbor& neighbor, const Headers& headers);
  void handle(Now now, Neighbor& neighbor, const Request& request);
  void handle(Now now, Neighbor& neighbor, const Update& update);
  void handle(Now now, Neighbor& neighbor, const Ack& ack);
  void handle(Now now, Neighbor& neighbor, const PathProbe& probe);
  void handle(Now now, Neighbor& neighbor, const PathAnswer& answer);
  void handle(Now now, Neighbor& neighbor, const ReceivedLsa& received);
  void compare_ages(Now now, Neighbor& neighbor, const LsaKey& key, Time theirs);
  void jump_past(Now now, const LsaHeader& echo, NeighborId from);

  // --- two machines with one key (router_duplicates.cpp) ---
  void note_duplicate(Now now, NeighborId neighbor, bool ourselves);

  // --- trust (router_trust.cpp) ---
  bool is_stranger(const Neighbor& neighbor) const;
  bool may_learn(const Neighbor& neighbor, const LsaKey& key) const;
  void take_headers(Now now, Neighbor& neighbor, const Headers& headers);
  void start_trust(Now now);
  bool take_grant(Now now, const LsaHandle& lsa);
  void handle_grant(Now now, Neighbor& neighbor, const ReceivedLsa& received);
  void refuse_stranger(Now now, Neighbor& neighbor, const LsaHeader& header);
  void store_grant(Now now, const LsaHandle& lsa, const Grant& grant, NeighborId from);
  std::vector<LsaHandle> answers_to(Neighbor& neighbor) const;
  void answer_stranger(const Neighbor& neighbor, const Ask& ask);
  void welcome(const NodeId& holder);
  void expire_grants(Now now);
  void drop_announcements(Now now, const NodeId& origin, const Cause& cause, const char* reason);

  // --- output (router_output.cpp) ---
  void transmit(NeighborId neighbor, std::vector<std::uint8_t> packet, bool as_data = false);
  enum class HelloKind : std::uint8_t { regular, goodbye, probe, answer };
  void send_hello(Now now, Neighbor& neighbor, HelloKind kind = HelloKind::regular);
  void send_hellos(Now now);
  void send_pending(Now now, Neighbor& neighbor);
  std::vector<LsaKey> expected_from_others(Time now, const Neighbor& neighbor) const;
  Envelope envelope_to(const Neighbor& neighbor) const { return {instance, neighbor.instance}; }

  // --- what is told (router_reports.cpp) ---
  void emit(Event event);
  bool may_report(Time now, NeighborId neighbor, RejectReason reason, std::uint64_t& count);
  void reject(Now now, NeighborId neighbor, RejectReason reason);
  void reject_lsa(Now now, NeighborId neighbor, const LsaHeader& header, RejectReason reason);
  void report_left_out(Time now);
  void report_routes(Time now, const RouteUpdate& update, const Cause& cause);
  std::vector<AnnouncedPrefix> announced_prefixes() const;
  std::vector<PrefixFinding> find_prefixes() const;
  void report_findings(Now now);

  struct Suppressed {
    Time next_at{};
    std::uint64_t count = 0;
  };

  struct Duplicate {
    Time first{};
    Time last{};
    Time tell_at{};
    std::uint64_t signs = 0;
    NeighborId seen_through = kNoNeighbor;
  };

  RouterConfig config;
  SignFunction sign;
  VerifyFunction verify;
  AdmitFunction admit;
  RandomSource& random;
  bool running = false;
  bool drained = false;
  Now present;  // the latest that was handed in
  std::uint64_t instance = 0;
  RouterStatistics statistics;
  RouterOutbox outbox;

  std::map<NeighborId, Neighbor> neighbors;
  Duration worst_lateness{};  // of our timers, as of worst_lateness_at; fades
  Time worst_lateness_at{};
  Database database;
  GrantBook grants;
  std::vector<PrefixFinding> findings;  // as last told
  Time findings_at = kNever;            // when they are looked for again
  Originator originator;
  Judge judge;
  FirstNews first_news;

  bool concerns_all = false;  // something changed for other neighbours than the one that spoke
  Pending origination;
  TokenBucket origination_bucket{kOriginateBurst, kOriginatePerToken};
  Pending computation;
  SpfBackoff backoff;
  std::uint64_t edits_seen = 0;   // of the graph, that the back-off has heard of
  bool prefixes_changed = true;   // ours, the underlay's subnets, or what a grant allows
  bool suspects_changed = false;  // neighbours that traffic keeps off where it can
  Time alternates_at = kNever;    // when they are looked for
  Cause alternates_cause;
  std::size_t left_out = 0;  // of our links and prefixes, as last told

  Graph graph;
  PrefixTable prefixes;
  ShortestPaths paths;
  Alternates alternates;
  RouteTable routes{prefixes, graph, paths, alternates};
  IngressTable ingress{prefixes, graph};
  std::map<std::pair<NeighborId, RejectReason>, Suppressed> reports;
  std::map<NeighborId, Duplicate> duplicates;  // machines with a neighbour's key; kNoNeighbor: with ours
};

Event make_event(EventKind kind, Time at, const Cause& cause = {}, NeighborId neighbor = kNoNeighbor);
Cause cause_of(const Lsa& lsa);
Cause cause_of(const Neighbor& neighbor);
inline constexpr Cause kTimerCause{Cause::Kind::timer, {}, 0, kNoNeighbor};

}  // namespace starling::routing
