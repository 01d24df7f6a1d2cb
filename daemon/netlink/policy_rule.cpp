#include "daemon/netlink/policy_rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <array>
#include <string_view>
#include <utility>

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

void append_word(std::string& list, std::string_view word) {
  if (!list.empty()) list += ", ";
  list += word;
}

constexpr std::uint32_t kNone = 0xffffffff;       // how the kernel prints that nothing is suppressed
constexpr std::uint32_t kWholeMark = 0xffffffff;  // a mask

std::string_view action_word(std::uint8_t action) {
  switch (action) {
    case FR_ACT_GOTO: return "goto";
    case FR_ACT_NOP: return "nop";
    case FR_ACT_BLACKHOLE: return "blackhole";
    case FR_ACT_UNREACHABLE: return "unreachable";
    case FR_ACT_PROHIBIT: return "prohibit";
    default: return "an unknown action";
  }
}

// Attributes that say nothing about which packets a rule is for.
bool is_general(int type) {
  return type == FRA_UNSPEC || type == FRA_PRIORITY || type == FRA_TABLE || type == FRA_PROTOCOL ||
         type == FRA_SUPPRESS_PREFIXLEN || type == FRA_PAD;
}

std::string_view selector_word(int type) {
  constexpr std::array<std::pair<int, std::string_view>, 14> kWords{{{FRA_SRC, "source"},
                                                                     {FRA_DST, "destination"},
                                                                     {FRA_IIFNAME, "incoming interface"},
                                                                     {FRA_OIFNAME, "outgoing interface"},
                                                                     {FRA_FWMARK, "mark"},
                                                                     {FRA_FWMASK, "mark"},
                                                                     {FRA_FLOW, "realm"},
                                                                     {FRA_TUN_ID, "tunnel id"},
                                                                     {FRA_SUPPRESS_IFGROUP, "interface group"},
                                                                     {FRA_L3MDEV, "VRF"},
                                                                     {FRA_UID_RANGE, "user"},
                                                                     {FRA_IP_PROTO, "protocol"},
                                                                     {FRA_SPORT_RANGE, "source port"},
                                                                     {FRA_DPORT_RANGE, "destination port"}}};
  for (const auto& [known, word] : kWords)
    if (known == type) return word;
  return "something newer than this program";
}

// What is not listed as general selects: a kernel may know selectors that we do not.
std::string particulars(const fib_rule_hdr& header, const NetlinkAttributes& attributes, bool not_mark) {
  std::string words;
  if (header.action != FR_ACT_TO_TBL) append_word(words, action_word(header.action));
  if (header.tos != 0) append_word(words, "traffic class");
  const bool inverted = (header.flags & FIB_RULE_INVERT) != 0;
  if (inverted && !not_mark) append_word(words, "not");
  std::string_view last;
  for (int type = 0; type <= static_cast<int>(NetlinkAttributes::kTypeMax); type++) {
    if (!attributes.has(type) || is_general(type)) continue;
    if (not_mark && (type == FRA_FWMARK || type == FRA_FWMASK)) continue;
    if (const std::string_view word = selector_word(type); word != std::exchange(last, word)) append_word(words, word);
  }
  return words;
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
  if (header == nullptr) return std::nullopt;
  const auto family = family_of(header->family);
  if (!family) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof(fib_rule_hdr));
  PolicyRule rule;
  rule.family = *family;
  rule.priority = attributes.u32(FRA_PRIORITY).value_or(0);
  rule.table = attributes.u32(FRA_TABLE).value_or(header->table);
  if ((header->flags & FIB_RULE_INVERT) != 0 && attributes.u32(FRA_FWMASK).value_or(kWholeMark) == kWholeMark)
    rule.not_mark = attributes.u32(FRA_FWMARK);
  rule.suppress_prefix_max = attributes.u32(FRA_SUPPRESS_PREFIXLEN);
  if (rule.suppress_prefix_max == kNone) rule.suppress_prefix_max.reset();
  rule.protocol = attributes.u8(FRA_PROTOCOL).value_or(0);
  rule.particular = particulars(*header, attributes, rule.not_mark.has_value());
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
