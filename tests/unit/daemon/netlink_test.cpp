// What goes to the kernel is read back as it was meant; the kernel itself judges it in tests/system.
#include <doctest/doctest.h>
#include <linux/rtnetlink.h>

#include <vector>

#include "daemon/netlink/kernel_address.h"
#include "daemon/netlink/kernel_link.h"
#include "daemon/netlink/kernel_route.h"
#include "daemon/netlink/policy_rule.h"

using namespace starling;
using namespace starling::daemon;

namespace {

KernelRoute route(const char* prefix) {
  KernelRoute route;
  route.prefix = *Prefix::parse(prefix);
  route.metric = 4201;
  route.interface_index = 7;
  route.gateway = *IpAddress::parse("fe80::1234");
  return route;
}

// A copy that may be shortened, aligned as a message must be.
class Copy {
 public:
  explicit Copy(const NetlinkMessage& message) : words_(message.bytes().size() / 4 + 1) {
    std::memcpy(words_.data(), message.bytes().data(), message.bytes().size());
  }
  nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(words_.data()); }

 private:
  std::vector<std::uint32_t> words_;
};

}  // namespace

TEST_CASE("a route is read back as it was written, of both families and with an IPv6 next hop") {
  for (const char* prefix : {"10.1.0.0/16", "0.0.0.0/0", "10.1.2.3/32", "fd00:1::/48", "::/0"}) {
    CAPTURE(prefix);
    KernelRoute wanted = route(prefix);
    wanted.source = *IpAddress::parse(wanted.prefix.family() == Family::ipv4 ? "10.9.9.9" : "fd09::9");
    for (const std::uint32_t table : {254u, 4201u, 4294967295u}) {
      wanted.table = table;
      CHECK(decode_route(*create_route_message(wanted).header()) == wanted);
      CHECK(decode_route(*replace_route_message(wanted).header()) == wanted);
    }
    wanted.gateway.reset();
    wanted.source.reset();
    CHECK(decode_route(*create_route_message(wanted).header()) == wanted);
  }
}

TEST_CASE("a new route never takes the place of another, and a replaced one is never gone in between") {
  const NetlinkMessage created = create_route_message(route("10.1.0.0/16"));
  CHECK((created.header()->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL | NLM_F_REPLACE)) == (NLM_F_CREATE | NLM_F_EXCL));
  const NetlinkMessage replaced = replace_route_message(route("10.1.0.0/16"));
  CHECK((replaced.header()->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL | NLM_F_REPLACE)) ==
        (NLM_F_CREATE | NLM_F_REPLACE));
}

TEST_CASE("a removal names protocol, metric and device, so that it cannot hit another's route") {
  const NetlinkMessage removal = delete_route_message(route("10.1.0.0/16"));
  CHECK(removal.header()->nlmsg_type == RTM_DELROUTE);
  const auto named = decode_route(*removal.header());
  REQUIRE(named);
  CHECK(named->protocol == kRouteProtocol);
  CHECK(named->metric == 4201);
  CHECK(named->interface_index == 7);
}

TEST_CASE("rules are read back as they were written") {
  PolicyRule rule;
  rule.family = Family::ipv6;
  rule.priority = 4200;
  rule.table = 254;
  rule.not_mark = 4201;
  rule.suppress_prefix_max = 0;
  rule.protocol = 201;
  CHECK(decode_rule(*add_rule_message(rule).header()) == rule);
  rule.table = 4201;
  rule.suppress_prefix_max.reset();
  CHECK(decode_rule(*delete_rule_message(rule).header()) == rule);
}

TEST_CASE("addresses are read back as they were written") {
  for (const char* text : {"10.1.0.1/24", "fe80::1/64", "fd00::1/128"}) {
    const KernelAddress address{3, *InterfaceAddress::parse(text), false};
    CHECK(decode_address(*add_address_message(address).header()) == address);
    CHECK(decode_address(*delete_address_message(address).header()) == address);
  }
}

TEST_CASE("a message cut short anywhere is read within its bounds, or not at all") {
  KernelRoute wanted = route("10.1.0.0/16");
  wanted.source = *IpAddress::parse("10.9.9.9");
  const NetlinkMessage whole = create_route_message(wanted);
  for (std::uint32_t size = NLMSG_HDRLEN; size < whole.header()->nlmsg_len; size++) {
    Copy cut(whole);
    cut.header().nlmsg_len = size;
    const auto read = decode_route(cut.header());
    CHECK(read != wanted);
    CHECK_FALSE(decode_link(cut.header()) == KernelLink{7, "mesh", true, true});
  }
}
