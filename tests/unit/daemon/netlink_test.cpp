// What goes to the kernel is read back as it was meant; the kernel itself judges it in tests/system.
#include <doctest/doctest.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

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

TEST_CASE("of another's rule it is known by what it selects, whatever a newer kernel adds") {
  const auto decoded = [](auto&& change) {
    fib_rule_hdr header{};
    header.family = AF_INET;
    header.action = FR_ACT_TO_TBL;
    header.table = 100;
    NetlinkMessage message = change(header);
    message.attribute_u32(FRA_PRIORITY, 100);
    message.attribute_u32(FRA_SUPPRESS_PREFIXLEN, 0xffffffff);
    return *decode_rule(*message.header());
  };
  const auto plain = [](fib_rule_hdr& header) { return NetlinkMessage(RTM_NEWRULE, 0, header); };
  CHECK(decoded(plain).particular.empty());
  CHECK(decoded(plain).table == 100);
  const auto with = [&](int type, std::uint32_t value) {
    return decoded([&](fib_rule_hdr& header) {
      NetlinkMessage message(RTM_NEWRULE, 0, header);
      message.attribute_u32(type, value);
      return message;
    });
  };
  CHECK(with(FRA_SRC, 0x0a000000).particular == "source");
  CHECK(with(FRA_FWMARK, 1).particular == "mark");
  CHECK(with(FRA_FWMASK, 1).particular == "mark");
  CHECK(with(FRA_L3MDEV, 1).particular == "VRF");
  CHECK(with(60, 1).particular == "something newer than this program");
  const auto with_header = [&](auto&& change) {
    return decoded([&](fib_rule_hdr& header) {
      change(header);
      return NetlinkMessage(RTM_NEWRULE, 0, header);
    });
  };
  CHECK(with_header([](fib_rule_hdr& header) { header.tos = 4; }).particular == "traffic class");
  CHECK(with_header([](fib_rule_hdr& header) { header.action = FR_ACT_PROHIBIT; }).particular == "prohibit");
  CHECK(with_header([](fib_rule_hdr& header) { header.flags = FIB_RULE_INVERT; }).particular == "not");
}

TEST_CASE("a route is known to be for some packets only, and to differ in what is not read in detail") {
  const auto decoded = [](std::uint8_t traffic_class, std::uint32_t next_hop) {
    rtmsg header{};
    header.rtm_family = AF_INET;
    header.rtm_type = RTN_UNICAST;
    header.rtm_tos = traffic_class;
    NetlinkMessage message(RTM_NEWROUTE, 0, header);
    if (next_hop != 0) message.attribute_u32(RTA_NH_ID, next_hop);
    return *decode_route(*message.header());
  };
  CHECK_FALSE(decoded(0, 0).narrow);
  CHECK(decoded(0, 0).special == 0);
  CHECK(decoded(4, 0).narrow);
  CHECK(decoded(0, 1).special != 0);
  CHECK(decoded(0, 1).special != decoded(0, 2).special);
  CHECK(decoded(0, 1).special == decoded(0, 1).special);
}

TEST_CASE("the next hops of a route are told apart, but not their carrier") {
  const auto special = [](std::vector<std::pair<int, unsigned char>> hops) {
    rtmsg header{};
    header.rtm_family = AF_INET;
    NetlinkMessage message(RTM_NEWROUTE, 0, header);
    std::vector<std::uint8_t> value;
    for (const auto& [index, flags] : hops) {
      rtnexthop hop{sizeof(rtnexthop), flags, 0, index};
      value.insert(value.end(), reinterpret_cast<const std::uint8_t*>(&hop),
                   reinterpret_cast<const std::uint8_t*>(&hop + 1));
    }
    message.attribute(RTA_MULTIPATH, value);
    return decode_route(*message.header())->special;
  };
  CHECK(special({{1, 0}, {2, 0}}) != special({{1, 0}, {3, 0}}));
  CHECK(special({{1, 0}, {2, 0}}) == special({{1, RTNH_F_LINKDOWN}, {2, RTNH_F_DEAD}}));
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
