// Which destinations of transit are the kernel's and not the engine's (wg::TransitDescription::punts): those for which
// the kernel, with its rules, its tables and its order of routes, would not choose the tunnel. A punt for a prefix
// outranks the mesh's entries that are no longer, so the plan is exact: every prefix of the mesh, and every prefix in
// the kernel's tables inside one, is decided as the kernel decides it, and is a punt if that is not the tunnel. What is
// in no prefix of the mesh the engine cannot forward anyway, and a full table of the Internet costs nothing there.
// A prefix of the mesh counts as routed by us from the moment it is wanted: the kernel follows within milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "daemon/route_mirror.h"
#include "daemon/rule_order.h"

namespace starling::daemon {

inline constexpr std::size_t kPuntsMax = 200'000;  // the engine's table of them is built anew for each change

struct PuntSettings {
  std::uint32_t interface_index = 0;
  std::uint32_t table = kMainTable;   // where our routes go
  std::uint32_t protected_table = 0;  // where those go that cover the underlay
  std::uint32_t metric = 0;           // of our routes
};

class PuntPlan {
 public:
  explicit PuntPlan(const PuntSettings& settings) : settings_(settings), routes_(settings.interface_index) {}

  // Without one that leads to our routes' table the kernel never chooses them: that is an obstacle, too.
  void set_rules(const std::vector<PolicyRule>& rules);
  // Nothing is known of them; the reason is the obstacle.
  void set_no_rules(const std::string& reason, const std::string& remedy);
  // All routes, as read from the kernel.
  void set_routes(RouteMirror routes);
  void add_route(const KernelRoute& route, bool replaces);
  void remove_route(const KernelRoute& route);
  // The prefixes that the engine carries. Those that are no longer among them stay until forget_leaving(), which is to
  // be called once the engine has the new ones.
  void want(const std::vector<Prefix>& prefixes);
  void forget_leaving();

  const std::set<Prefix>& punts() const { return punts_; }
  // There are more than kPuntsMax, and the rest is missing, until set_routes or set_rules brings fewer.
  bool is_overfull() const { return overfull_; }
  const RouteMirror& routes() const { return routes_; }
  // Whether anything is to be carried in this family.
  bool carries(Family family) const;
  // The rules in this family; with an obstacle, all prefixes of the mesh are punts.
  const RuleOrder& rules(Family family) const { return family == Family::ipv4 ? rules_v4_ : rules_v6_; }

 private:
  enum class Decision : std::uint8_t { tunnel, kernel };

  void set_orders(RuleOrder v4, RuleOrder v6);
  void decide_all();
  // Decides every prefix inside `area` anew.
  void decide_inside(const Prefix& area);
  void decide_routes_inside(const Prefix& area);
  void decide(const Prefix& prefix);
  Decision decision(const Prefix& prefix) const;
  // The longest wanted prefix that covers `prefix`, is at least `length_min` long, and is not routed elsewhere by us.
  const Prefix* wanted_covering(const Prefix& prefix, int length_min) const;
  bool is_wanted_around(const Prefix& prefix) const;

  PuntSettings settings_;
  RouteMirror routes_;
  RuleOrder rules_v4_;
  RuleOrder rules_v6_;
  std::set<Prefix> wanted_;
  std::set<Prefix> leaving_;  // a part of wanted_
  std::set<Prefix> punts_;
  bool overfull_ = false;
};

}  // namespace starling::daemon
