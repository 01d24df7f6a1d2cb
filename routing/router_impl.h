// The inside of Router: what router_impl.cpp (its life and its timers), router_neighbors.cpp, router_announcements.cpp,
// router_compute.cpp, router_packets.cpp (what packets do), router_output.cpp (what is sent, what is told) and
// router_views.cpp share.
//
// Every input ends in finish(): announce what changed here, compute if due, then send. So one failure goes through
// origination, flooding, computation and the route change within the call that detected it.
#pragma once

#include <map>

#include "routing/database.h"
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
  Impl(RouterConfig configuration, SignFunction sign_function, VerifyFunction verify_function, RandomSource& source);

  // --- inputs (router_impl.cpp) ---
  void start(Now now);
  void shut_down(Now now);
  void add_neighbor(Now now, NeighborId id, const NeighborConfig& neighbor_config);
  void remove_neighbor(Now now, NeighborId id);
  void on_timer(Now now);
  Time next_deadline() const;
  void finish(Now now);

  // --- neighbours ---
  void apply(Now now, Neighbor& neighbor, NeighborEvent event, const char* reason);
  void act(Now now, Neighbor& neighbor, NeighborAction action, const Cause& cause);
  void review_adjacencies(Now now);
  bool is_bound(const Neighbor& neighbor) const;
  const char* why_not_bound(const Neighbor& neighbor) const;
  void judge_neighbors(Now now);
  void judge_neighbor(Now now, Neighbor& neighbor, Duration late);
  void begin_doubt(Now now, NeighborId id);
  void set_suspect(Now now, Neighbor& neighbor, bool suspect);
  void note_lateness(Time now, Duration late);
  Duration lateness(Time now) const;

  // --- announcements and routes ---
  void store(Now now, LsaHandle lsa, Time expires_at, NeighborId from, const Cause& cause);
  void flood(const LsaHandle& lsa, NeighborId except);
  void note_change(const Lsa* before, const Lsa* after, const Cause& cause);
  void expire(Now now);
  void originate(Now now);
  void compute(Now now);
  std::vector<LocalLink> local_links() const;
  void report_refused(Time now, const PrefixTable& before, const Cause& cause);

  // --- packets (router_packets.cpp) ---
  void on_packet(Now now, NeighborId id, Bytes payload);
  bool enter(Now now, Neighbor& neighbor, const Message& message);
  bool enter_hello(Now now, Neighbor& neighbor, const Envelope& envelope, const Hello& hello);
  void handle(Now now, Neighbor& neighbor, const Hello& hello);
  void handle(Now now, Neighbor& neighbor, const Ask& ask);
  void handle(Now now, Neighbor& neighbor, const Headers& headers);
  void handle(Now now, Neighbor& neighbor, const Request& request);
  void handle(Now now, Neighbor& neighbor, const Update& update);
  void handle(Now now, Neighbor& neighbor, const Ack& ack);
  void handle(Now now, Neighbor& neighbor, const ReceivedLsa& received);
  void compare_ages(Now now, Neighbor& neighbor, const LsaKey& key, Time theirs);
  void jump_past(Now now, const LsaHeader& echo, NeighborId from);
  void reject(Now now, NeighborId neighbor, RejectReason reason);
  void reject_lsa(Now now, NeighborId neighbor, const LsaHeader& header, RejectReason reason);

  // --- output (router_output.cpp) ---
  void transmit(NeighborId neighbor, std::vector<std::uint8_t> packet);
  enum class HelloKind : std::uint8_t { regular, goodbye, probe, answer };
  void send_hello(Now now, Neighbor& neighbor, HelloKind kind = HelloKind::regular);
  void send_hellos(Now now);
  std::uint32_t hello_jitter(Time now);
  void send_pending(Now now, Neighbor& neighbor);
  Envelope envelope_to(const Neighbor& neighbor) const { return {instance, neighbor.instance}; }
  void emit(Event event);
  bool may_report(Time now, NeighborId neighbor, RejectReason reason, std::uint64_t& count);
  void report_left_out(Time now);
  void report_routes(Time now, const RouteUpdate& update, const Cause& cause);

  struct Suppressed {
    Time next_at{};
    std::uint64_t count = 0;
  };

  RouterConfig config;
  SignFunction sign;
  VerifyFunction verify;
  RandomSource& random;
  bool running = false;
  Now present;  // the latest that was handed in
  std::uint64_t instance = 0;
  RouterStatistics statistics;
  RouterOutbox outbox;

  std::map<NeighborId, Neighbor> neighbors;
  Duration worst_lateness{};  // of our timers, as of worst_lateness_at; fades
  Time worst_lateness_at{};
  Time jitter_at{};  // Hellos of one moment have one jitter, so that they stay together
  std::uint32_t jitter_permille = 0;
  Database database;
  Originator originator;
  Judge judge;

  Pending origination;
  TokenBucket origination_bucket{kOriginateBurst, kOriginatePerToken};
  Pending computation;
  TokenBucket computation_bucket{kSpfBurst, kSpfPerToken};
  bool prefixes_changed = true;
  std::size_t left_out = 0;  // of our links and prefixes, as last told

  PrefixTable prefixes;
  Graph graph;
  ShortestPaths paths;
  RouteTable routes;
  IngressTable ingress;
  std::map<std::pair<NeighborId, RejectReason>, Suppressed> reports;
};

Event make_event(EventKind kind, Time at, const Cause& cause = {}, NeighborId neighbor = kNoNeighbor);
Cause cause_of(const Lsa& lsa);
Cause cause_of(const Neighbor& neighbor);
inline constexpr Cause kTimerCause{Cause::Kind::timer, {}, 0, kNoNeighbor};

}  // namespace starling::routing
