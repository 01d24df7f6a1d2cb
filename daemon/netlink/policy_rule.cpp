#include "daemon/netlink/policy_rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

namespace starling::daemon {

namespace {

NetlinkMessage rule_message(int type, int flags, const PolicyRule& rule) {
  fib_rule_hdr header{};
  header.family = address_family(rule.family);
  header.table = static_cast<__u8>(rule.table <= 255 ? rule.table : 0);
  header.action = FR_ACT_TO_TBL;
  header.flags = rule.not_mark ? FIB_RULE_INVERT : 0;
  NetlinkMessage message(type, flags, header);
  message.attribute_u32(FRA_PRIORITY, rule.priority);
  message.attribute_u32(FRA_TABLE, rule.table);
  if (rule.not_mark) message.attribute_u32(FRA_FWMARK, *rule.not_mark);
  if (rule.suppress_prefix_max) message.attribute_u32(FRA_SUPPRESS_PREFIXLEN, *rule.suppress_prefix_max);
  message.attribute_u8(FRA_PROTOCOL, rule.protocol);
  return message;
}

}  // namespace

NetlinkMessage add_rule_message(const PolicyRule& rule) {
  return rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

NetlinkMessage delete_rule_message(const PolicyRule& rule) {
  return rule_message(RTM_DELRULE, 0, rule);
}

std::optional<PolicyRule> decode_rule(const nlmsghdr& message) {
  const auto* header = fixed_header<fib_rule_hdr>(message);
  if (header == nullptr || header->action != FR_ACT_TO_TBL) return std::nullopt;
  const auto family = family_of(header->family);
  if (!family) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof(fib_rule_hdr));
  PolicyRule rule;
  rule.family = *family;
  rule.priority = attributes.u32(FRA_PRIORITY).value_or(0);
  rule.table = attributes.u32(FRA_TABLE).value_or(header->table);
  if ((header->flags & FIB_RULE_INVERT) != 0) rule.not_mark = attributes.u32(FRA_FWMARK);
  rule.suppress_prefix_max = attributes.u32(FRA_SUPPRESS_PREFIXLEN);
  if (rule.suppress_prefix_max == 0xffffffff) rule.suppress_prefix_max.reset();  // how the kernel prints "none"
  rule.protocol = attributes.u8(FRA_PROTOCOL).value_or(0);
  return rule;
}

NetlinkAnswer dump_rules(NetlinkSocket& socket, const std::function<void(const PolicyRule&)>& each) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    fib_rule_hdr header{};
    header.family = address_family(family);
    const NetlinkAnswer answer = socket.dump(NetlinkMessage(RTM_GETRULE, 0, header), [&](const nlmsghdr& message) {
      if (const auto rule = decode_rule(message)) each(*rule);
    });
    if (!answer.ok() && !(family == Family::ipv6 && answer.error == EAFNOSUPPORT)) return answer;
  }
  return {};
}

}  // namespace starling::daemon
