// A topology: nodes, links, what happens to them, what is measured, and what should hold. As topologies/README.md
// describes the file, with names resolved to indices.
// Invariant: a Topology that the parser returned is consistent. Every index is in range, no pair is linked twice,
// events are in the order in which they happen and each makes sense when its turn comes (nothing is restored that is
// whole).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/config.h"

namespace starling::lab {

inline constexpr std::size_t kNodesMax = 200;
inline constexpr std::size_t kLinksMax = 2000;
inline constexpr std::size_t kSimulatedNodesMax = 20'000;
inline constexpr std::size_t kSimulatedLinksMax = 65'000;  // what make_plan has addresses for
inline constexpr std::size_t kEventsMax = 1000;
inline constexpr std::size_t kProbesMax = 64;
inline constexpr std::size_t kExpectationsMax = 1000;
inline constexpr std::size_t kTopologyNameSizeMax = 32;  // bytes
inline constexpr std::size_t kNodeNameSizeMax = 32;      // bytes; with the above a control socket's path fits
inline constexpr std::int64_t kAtMax_ms = 3'600'000;
inline constexpr std::int64_t kProbeIntervalMax_ms = 10'000;
inline constexpr std::int64_t kLimitMax_ms = 600'000;

struct Node {
  std::string name;
  nlohmann::json overrides;  // members of the daemon's configuration
};

enum class Underlay : std::uint8_t { ipv4, ipv6 };

// What one direction of a link does to packets in the simulator. The lab's own links do nothing to them.
struct LinkBehaviour {
  std::optional<std::uint32_t> delay_us, jitter_us;
  std::optional<std::uint32_t> loss_permille, duplicate_permille, reorder_permille;
  std::optional<std::uint64_t> rate_kbit;
  std::optional<std::uint32_t> mtu;  // bytes of an inner packet; a longer one vanishes
};

struct Link {
  std::size_t a = 0;  // node indices, in the order of the file
  std::size_t b = 0;
  std::uint32_t cost = 10;
  Underlay underlay = Underlay::ipv4;
  std::optional<LinkBehaviour> there, back;  // from a to b, from b to a
};

struct Event {
  enum class Kind : std::uint8_t { cut, down, restore, stop, start };
  Kind kind = Kind::cut;
  std::size_t target = 0;   // a link for cut, down and restore; a node for stop and start
  std::uint64_t at_ms = 0;  // after first convergence

  bool is_about_link() const { return kind == Kind::cut || kind == Kind::down || kind == Kind::restore; }
};
const char* to_string(Event::Kind kind);  // "cut", as in the file

struct Probe {
  std::size_t from = 0;
  std::size_t to = 0;
  std::uint64_t interval_ms = 0;
};

struct Expectation {
  enum class Kind : std::uint8_t { converged_within, max_outage, path, all_reachable };
  Kind kind = Kind::converged_within;
  std::uint64_t limit_ms = 0;     // converged_within, max_outage
  std::uint64_t at_ms = 0;        // path, all_reachable
  std::size_t probe = 0;          // max_outage: index into Topology::probes
  std::vector<std::size_t> path;  // nodes
  nlohmann::json source;          // as in the file

  bool has_moment() const { return kind == Kind::path || kind == Kind::all_reachable; }
};

struct Topology {
  std::string name;
  std::string description;
  std::vector<Node> nodes;  // sorted by name: a JSON object has no order
  std::vector<Link> links;
  std::vector<Event> events;  // by at_ms; those of one moment in the order of the file
  std::vector<Probe> probes;
  std::vector<Expectation> expectations;

  std::optional<std::size_t> node_index(std::string_view name) const;
  std::optional<std::size_t> link_index(std::size_t a, std::size_t b) const;  // either way round
  std::string link_name(std::size_t link) const;                              // "a–b"
  std::string describe(const Event& event) const;                             // "cut b–d", "stop c"
  std::string describe(const Probe& probe) const;                             // "a→d"
};

}  // namespace starling::lab
