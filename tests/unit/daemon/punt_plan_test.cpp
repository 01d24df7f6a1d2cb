// Which destinations of transit are left to the kernel: case by case, and against a twin that walks rules, tables and
// routes for single addresses as the kernel does.
#include "daemon/punt_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <tuple>

#include "base/random.h"
#include "daemon/netlink/policy_rule.h"
#include "daemon/underlay_guard.h"

using namespace starling;
using namespace starling::daemon;

namespace {

constexpr std::uint32_t kTunnel = 7;
constexpr std::uint32_t kOther = 2;
constexpr std::uint32_t kLocal = 255;
constexpr std::uint32_t kMetric = 4201;
constexpr std::uint32_t kProtected = 4201;

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

PolicyRule rule(Family family, std::uint32_t priority, std::uint32_t table) {
  PolicyRule rule;
  rule.family = family;
  rule.priority = priority;
  rule.table = table;
  return rule;
}

std::vector<PolicyRule> default_rules() {
  std::vector<PolicyRule> rules;
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const auto& [priority, table] : {std::pair{0u, kLocal}, {32766u, kMainTable}, {32767u, 253u}})
      rules.push_back(rule(family, priority, table));
  return rules;
}

std::vector<PolicyRule> protecting_rules() {
  std::vector<PolicyRule> rules = default_rules();
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const PolicyRule& ours : underlay_rules(family, kProtected)) rules.push_back(ours);
  std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) { return a.priority < b.priority; });
  return rules;
}

KernelRoute foreign(const char* text, std::uint32_t metric = 0, std::uint32_t table = kMainTable) {
  KernelRoute route;
  route.prefix = prefix(text);
  route.table = table;
  route.metric = metric;
  route.protocol = RTPROT_STATIC;
  route.interface_index = kOther;
  return route;
}

KernelRoute ours(const char* text, std::uint32_t table = kMainTable) {
  KernelRoute route = foreign(text, kMetric, table);
  route.protocol = kRouteProtocol;
  route.interface_index = kTunnel;
  return route;
}

KernelRoute of_type(KernelRoute route, std::uint8_t type) {
  route.type = type;
  return route;
}

struct Plan : PuntPlan {
  explicit Plan(const std::vector<const char*>& mesh = {}) : PuntPlan({kTunnel, kMainTable, kProtected, kMetric}) {
    set_rules(default_rules());
    std::vector<Prefix> prefixes;
    for (const char* text : mesh) prefixes.push_back(prefix(text));
    want(prefixes);
    forget_leaving();
  }
  std::vector<std::string> told() const {
    std::vector<std::string> texts;
    for (const Prefix& punt : punts()) texts.push_back(punt.to_string());
    return texts;
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "what is more specific than the mesh's prefix is the kernel's, and what is not inside one is nobody's matter") {
  Plan plan({"10.0.0.0/8", "fd00::/16"});
  CHECK(plan.told().empty());
  plan.add_route(foreign("10.5.0.0/16"), false);
  plan.add_route(foreign("192.0.2.0/24"), false);
  plan.add_route(foreign("0.0.0.0/0"), false);
  plan.add_route(foreign("fd00:1::/48"), false);
  CHECK(plan.told() == Texts{"10.5.0.0/16", "fd00:1::/48"});
  plan.remove_route(foreign("10.5.0.0/16"));
  CHECK(plan.told() == Texts{"fd00:1::/48"});
}

TEST_CASE("our addresses, and routes that lead nowhere, are the kernel's") {
  Plan plan({"10.0.0.0/8"});
  plan.add_route(of_type(foreign("10.1.0.1/32", 0, kLocal), RTN_LOCAL), false);
  plan.add_route(of_type(foreign("10.1.0.255/32", 0, kLocal), RTN_BROADCAST), false);
  plan.add_route(of_type(foreign("10.2.0.0/16"), RTN_BLACKHOLE), false);
  plan.add_route(of_type(foreign("10.3.0.0/16"), RTN_UNREACHABLE), false);
  plan.add_route(of_type(foreign("10.4.0.0/16"), RTN_PROHIBIT), false);
  CHECK(plan.told() == Texts{"10.1.0.1/32", "10.1.0.255/32", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"});
}

TEST_CASE("of equal prefixes the smaller metric wins, as in the kernel, and with equal ones the other's") {
  Plan plan({"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"});
  plan.add_route(foreign("10.1.0.0/16", kMetric - 1), false);
  plan.add_route(foreign("10.2.0.0/16", kMetric + 1), false);
  plan.add_route(foreign("10.3.0.0/16", kMetric), false);
  CHECK(plan.told() == Texts{"10.1.0.0/16", "10.3.0.0/16"});
  for (const char* text : {"10.1.0.0/16", "10.2.0.0/16"}) plan.add_route(ours(text), false);
  CHECK(plan.told() == Texts{"10.1.0.0/16", "10.3.0.0/16"});
}

TEST_CASE("a route that is only for some sources or one traffic class leaves all of its prefix to the kernel") {
  Plan plan({"10.1.0.0/16"});
  KernelRoute narrow = foreign("10.1.0.0/16", kMetric + 1);
  narrow.narrow = true;
  narrow.special = 1;
  plan.add_route(narrow, false);
  CHECK(plan.told() == Texts{"10.1.0.0/16"});
}

TEST_CASE("a prefix of the mesh inside another's route of an earlier table is the kernel's, one of a later table not") {
  Plan plan({"10.1.0.0/16", "10.2.0.0/16"});
  plan.add_route(of_type(foreign("10.0.0.0/15", 0, kLocal), RTN_LOCAL), false);
  plan.add_route(of_type(foreign("10.2.0.0/15", 0, 253), RTN_LOCAL), false);
  plan.add_route(foreign("10.2.3.0/24", 0, 253), false);
  CHECK(plan.told() == Texts{"10.1.0.0/16"});
}

TEST_CASE("a throw route sends the search on into the next table") {
  Plan plan({"10.0.0.0/8"});
  std::vector<PolicyRule> rules = default_rules();
  rules.insert(rules.begin() + 1, rule(Family::ipv4, 50, 100));
  plan.set_rules(rules);
  plan.add_route(foreign("10.0.0.0/8", 0, 100), false);
  CHECK(plan.told() == Texts{"10.0.0.0/8"});
  plan.add_route(of_type(foreign("10.9.0.0/16", 0, 100), RTN_THROW), false);
  CHECK(plan.told() == Texts{"10.0.0.0/8"});
  plan.want({prefix("10.0.0.0/8"), prefix("10.9.0.0/16")});
  CHECK(plan.told() == Texts{"10.0.0.0/8"});
  plan.remove_route(of_type(foreign("10.9.0.0/16", 0, 100), RTN_THROW));
  CHECK(plan.told() == Texts{"10.0.0.0/8", "10.9.0.0/16"});
}

TEST_CASE("a default route of the mesh goes before the machine's own once the rules are there") {
  Plan plan({"0.0.0.0/0"});
  plan.add_route(foreign("0.0.0.0/0"), false);
  plan.add_route(foreign("192.0.2.0/24"), false);
  CHECK(plan.told() == Texts{"0.0.0.0/0", "192.0.2.0/24"});
  plan.add_route(ours("0.0.0.0/0", kProtected), false);
  CHECK(plan.told() == Texts{"0.0.0.0/0", "192.0.2.0/24"});
  plan.set_rules(protecting_rules());
  CHECK(plan.told() == Texts{"192.0.2.0/24"});
  // All of main but its default route goes before what is protected, however specific.
  plan.add_route(ours("192.0.2.128/25", kProtected), false);
  plan.want({prefix("0.0.0.0/0"), prefix("192.0.2.128/25")});
  CHECK(plan.told() == Texts{"192.0.2.0/24", "192.0.2.128/25"});
}

TEST_CASE("a rule that looks at more than the destination leaves a family's whole mesh to the kernel, until it goes") {
  Plan plan({"10.0.0.0/8", "10.1.0.0/16", "fd00::/16"});
  std::vector<PolicyRule> rules = default_rules();
  PolicyRule by_source = rule(Family::ipv4, 100, 42);
  by_source.particular = "source";
  rules.insert(rules.begin() + 1, by_source);
  plan.set_rules(rules);
  CHECK(plan.rules(Family::ipv4).obstacle == "policy rule 100 looks at: source");
  CHECK_FALSE(plan.rules(Family::ipv6).obstacle);
  CHECK(plan.told() == Texts{"10.0.0.0/8", "10.1.0.0/16"});
  plan.set_rules(default_rules());
  CHECK(plan.told().empty());
}

TEST_CASE("another's rule by mark is in the way, those that protect an underlay are not, whosever they are") {
  std::vector<PolicyRule> rules = protecting_rules();
  for (PolicyRule& other : rules)
    if (other.not_mark) other.not_mark = 5000;
  CHECK_FALSE(order_of(rules, Family::ipv4).obstacle);
  CHECK(order_of(rules, Family::ipv4).passes ==
        std::vector<TablePass>{{kLocal, 0}, {kMainTable, 1}, {kProtected, 0}, {kMainTable, 0}, {253, 0}});
  for (PolicyRule& other : rules) other.protocol = 0;
  CHECK(order_of(rules, Family::ipv4).obstacle == "policy rule 4200 looks at: mark");
}

TEST_CASE("without a rule that leads to our routes nothing is ours") {
  Plan plan({"10.0.0.0/8"});
  plan.set_rules({});
  CHECK(plan.told() == Texts{"10.0.0.0/8"});
  CHECK(plan.rules(Family::ipv4).obstacle == "no policy rule leads to table 254");
  CHECK(plan.rules(Family::ipv6).remedy == "`ip -6 rule add pref 32766 lookup 254`");
}

TEST_CASE("while the rules are not known nothing is ours, and the reason is the obstacle") {
  Plan plan({"10.0.0.0/8"});
  plan.set_no_rules("they cannot be read", "ask again");
  CHECK(plan.told() == Texts{"10.0.0.0/8"});
  CHECK(plan.rules(Family::ipv4).obstacle == "they cannot be read");
  CHECK(plan.rules(Family::ipv6).remedy == "ask again");
}

TEST_CASE("what leaves the mesh keeps its punts until the engine has its new table") {
  Plan plan({"10.0.0.0/8"});
  plan.add_route(foreign("10.5.0.0/16"), false);
  plan.want({});
  CHECK(plan.told() == Texts{"10.5.0.0/16"});
  plan.forget_leaving();
  CHECK(plan.told().empty());
}

TEST_CASE("more punts than the limit are said to be too many, until there are fewer") {
  Plan plan({"10.0.0.0/8", "fd00::/16"});
  RouteMirror many(kTunnel);
  KernelRoute route = foreign("10.0.0.0/32");
  for (std::uint32_t i = 0; i <= kPuntsMax; i++) {
    const auto byte = [&](int shift) { return static_cast<std::uint8_t>(i >> shift); };
    route.prefix = Prefix::host(IpAddress::v4({10, byte(16), byte(8), byte(0)}));
    many.add(route, false);
  }
  RouteMirror fewer = many;
  fewer.remove(route);
  plan.set_routes(std::move(fewer));
  CHECK(plan.punts().size() == kPuntsMax);
  CHECK_FALSE(plan.is_overfull());
  plan.add_route(route, false);
  CHECK(plan.is_overfull());
  plan.remove_route(route);
  CHECK(plan.is_overfull());  // what was left out meanwhile is not known
  plan.set_routes(std::move(many));
  CHECK(plan.is_overfull());
  plan.set_routes(RouteMirror(kTunnel));
  CHECK_FALSE(plan.is_overfull());
  CHECK(plan.told().empty());
}

TEST_CASE("a route that replaces one takes its place; of several nobody knows which, so all stay until they are read") {
  RouteMirror routes(kTunnel);
  KernelRoute second = foreign("10.1.0.0/16");
  second.gateway = *IpAddress::parse("192.0.2.9");
  CHECK(routes.add(foreign("10.1.0.0/16"), false));
  CHECK_FALSE(routes.add(foreign("10.1.0.0/16"), false));
  CHECK(routes.add(second, true));
  CHECK(routes.size() == 1);
  CHECK_FALSE(routes.is_unsure());
  CHECK(routes.add(foreign("10.1.0.0/16"), false));
  CHECK(routes.is_unsure());
  routes.settle();
  KernelRoute third = second;
  third.gateway = *IpAddress::parse("192.0.2.10");
  CHECK(routes.add(third, true));
  CHECK(routes.is_unsure());
  CHECK(routes.size() == 3);
  routes.settle();
  KernelRoute unknown = second;
  unknown.gateway = *IpAddress::parse("192.0.2.11");
  CHECK_FALSE(routes.remove(unknown));
  CHECK(routes.is_unsure());
  for (const KernelRoute& route : {foreign("10.1.0.0/16"), second, third}) CHECK(routes.remove(route));
  CHECK(routes.size() == 0);
  CHECK(routes.covering(kMainTable, prefix("10.1.0.0/16"), 0) == nullptr);
}

namespace {

// Few bits, so that everything overlaps.
Prefix random_prefix(RandomSource& random) {
  std::array<std::uint8_t, 3> draw{};
  random.fill(draw);
  const IpAddress address = draw[0] % 2 == 0
                                ? IpAddress::v4({10, static_cast<std::uint8_t>(draw[1] & 0xc0), draw[1], 0})
                                : IpAddress::v6({0xfd, static_cast<std::uint8_t>(draw[1] & 0xc0), draw[1], 0, 0, 0, 0,
                                                 0, 0, 0, 0, 0, 0, 0, 0, 0});
  return Prefix(address, draw[2] % 25);
}

// What the kernel does with a packet for an address, in the plainest words.
bool kernel_takes_tunnel(const std::vector<KernelRoute>& routes, const std::vector<PolicyRule>& rules,
                         const IpAddress& to) {
  for (const PolicyRule& rule : rules) {
    if (rule.family != to.family()) continue;
    const KernelRoute* best = nullptr;
    for (const KernelRoute& route : routes) {
      if (route.table != rule.table || !route.prefix.contains(to)) continue;
      if (rule.suppress_prefix_max && route.prefix.length() <= static_cast<int>(*rule.suppress_prefix_max)) continue;
      const auto order = [](const KernelRoute& r) {
        return std::tuple(-r.prefix.length(), r.metric, r.interface_index == kTunnel, r.type != RTN_UNICAST);
      };
      if (best == nullptr || order(route) < order(*best)) best = &route;
    }
    if (best == nullptr || best->type == RTN_THROW) continue;
    return best->interface_index == kTunnel;
  }
  return false;
}

template <typename Prefixes>
int longest(const Prefixes& prefixes, const IpAddress& to) {
  int length = -1;
  for (const Prefix& prefix : prefixes)
    if (prefix.contains(to)) length = std::max(length, prefix.length());
  return length;
}

}  // namespace

TEST_CASE("for every address the engine decides as the kernel would, through any sequence of changes") {
  SeededRandom random(4);
  for (int round = 0; round < 24; round++) {
    const bool protecting = round % 2 == 0;
    const bool throwing = round % 3 == 0;  // then the kernel may get more than it needs
    const std::vector<PolicyRule> rules = protecting ? protecting_rules() : default_rules();
    Plan plan;
    plan.set_rules(rules);
    std::vector<KernelRoute> routes;
    std::set<Prefix> mesh;
    for (int step = 0; step < 120; step++) {
      if (!routes.empty() && random.below(3) == 0) {
        const std::size_t at = random.below(routes.size());
        plan.remove_route(routes[at]);
        routes.erase(routes.begin() + static_cast<std::ptrdiff_t>(at));
      } else {
        KernelRoute route = foreign("0.0.0.0/0");
        route.prefix = random_prefix(random);
        constexpr std::array<std::uint32_t, 4> kTables{kLocal, kMainTable, kMainTable, 253};
        route.table = kTables[random.below(kTables.size())];
        route.metric = static_cast<std::uint32_t>(random.below(3)) * kMetric;
        if (throwing && random.below(6) == 0) route.type = RTN_THROW;
        const bool known = std::any_of(routes.begin(), routes.end(), [&](const KernelRoute& other) {
          return other.prefix == route.prefix && other.table == route.table && other.metric == route.metric;
        });
        if (known) continue;
        plan.add_route(route, false);
        routes.push_back(route);
      }
      if (random.below(4) == 0) {  // the mesh has another prefix, and the kernel our route for it
        KernelRoute route = ours("0.0.0.0/0");
        route.prefix = random_prefix(random);
        const bool everything = route.prefix.is_default();
        if ((everything && !protecting) || mesh.contains(route.prefix)) continue;
        const bool conflict = std::any_of(routes.begin(), routes.end(), [&](const KernelRoute& other) {
          return other.prefix == route.prefix && other.metric == kMetric;
        });
        if (conflict) continue;
        if (protecting && (everything || random.below(2) == 0)) route.table = kProtected;
        mesh.insert(route.prefix);
        plan.want({mesh.begin(), mesh.end()});
        plan.add_route(route, false);
        routes.push_back(route);
      }
      // What the mesh wants and the kernel no longer has (the loop above removes any route) is not compared.
      std::set<Prefix> kept;
      for (const KernelRoute& route : routes)
        if (route.interface_index == kTunnel) kept.insert(route.prefix);
      mesh = kept;
      plan.want({mesh.begin(), mesh.end()});
      plan.forget_leaving();
      for (int probe = 0; probe < 40; probe++) {
        const IpAddress to = random_prefix(random).address();
        const bool tunnel = kernel_takes_tunnel(routes, rules, to);
        const int by_mesh = longest(mesh, to);
        CAPTURE(to.to_string());
        const bool fast = by_mesh > longest(plan.punts(), to);
        if (fast || !throwing) REQUIRE(fast == (tunnel && by_mesh >= 0));
      }
    }
  }
}
