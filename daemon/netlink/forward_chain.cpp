#include "daemon/netlink/forward_chain.h"

#include <netinet/in.h>
// Behind that one, or the two define the same.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

#include <cstring>
#include <fstream>
#include <optional>

#include "base/file_descriptor.h"
#include "daemon/netlink/socket.h"

namespace starling::daemon {

namespace {

constexpr const char* kFilterTable = "filter";
constexpr std::size_t kLegacyTableSizeMax = std::size_t{64} << 20;  // bytes

// nf_tables writes its numbers in network order.
std::optional<std::uint32_t> number(const NetlinkAttributes& attributes, int type) {
  const Bytes value = attributes.at(type);
  if (value.size() != sizeof(std::uint32_t)) return std::nullopt;
  return ByteReader(value).u32();
}

const char* family_word(std::uint8_t family) {
  return family == NFPROTO_INET ? "inet" : family == NFPROTO_IPV4 ? "ip" : "ip6";
}

std::optional<ForwardChain> decode_dropping_chain(const nlmsghdr& message) {
  const auto* header = fixed_header<nfgenmsg>(message);
  if (header == nullptr || message.nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN)) return std::nullopt;
  const std::uint8_t family = header->nfgen_family;
  if (family != NFPROTO_INET && family != NFPROTO_IPV4 && family != NFPROTO_IPV6) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof(nfgenmsg));
  const NetlinkAttributes hook(attributes.at(NFTA_CHAIN_HOOK));
  if (number(hook, NFTA_HOOK_HOOKNUM) != NF_INET_FORWARD || number(attributes, NFTA_CHAIN_POLICY) != NF_DROP)
    return std::nullopt;
  return ForwardChain{family != NFPROTO_IPV6, family != NFPROTO_IPV4,
                      std::string(family_word(family)) + " " + std::string(attributes.text(NFTA_CHAIN_TABLE)) + " " +
                          std::string(attributes.text(NFTA_CHAIN_NAME))};
}

void append_nf_tables(std::vector<ForwardChain>& chains) {
  auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket.ok()) return;
  nfgenmsg header{};
  header.nfgen_family = NFPROTO_UNSPEC;
  header.version = NFNETLINK_V0;
  socket->dump(NetlinkMessage(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, 0, header), [&](const nlmsghdr& message) {
    if (auto chain = decode_dropping_chain(message)) chains.push_back(std::move(*chain));
  });
}

// What differs between ip_tables and ip6_tables; their structures are alike in the parts that are read here.
struct LegacyTables {
  const char* names;  // the tables that are in use; asking for another would make it
  int domain;
  int level;
  int get_info;
  int get_entries;
  const char* chain;
};
constexpr LegacyTables kLegacyV4{"/proc/net/ip_tables_names",     AF_INET, SOL_IP, IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES,
                                 "iptables-legacy filter FORWARD"};
constexpr LegacyTables kLegacyV6{
    "/proc/net/ip6_tables_names",     AF_INET6, SOL_IPV6, IP6T_SO_GET_INFO, IP6T_SO_GET_ENTRIES,
    "ip6tables-legacy filter FORWARD"};

bool has_filter_table(const char* names) {
  std::ifstream file(names);
  for (std::string name; std::getline(file, name);)
    if (name == kFilterTable) return true;
  return false;
}

// The policy is the verdict of the rule at the hook's underflow. `entries` are those of a table, `at` is an offset
// there.
template <typename Entry>
bool drops(Bytes entries, std::size_t at) {
  Entry entry;
  if (at > entries.size() || entries.size() - at < sizeof entry) return false;
  std::memcpy(&entry, entries.data() + at, sizeof entry);
  xt_standard_target target;
  const std::size_t target_at = at + entry.target_offset;
  if (target_at > entries.size() || entries.size() - target_at < sizeof target) return false;
  std::memcpy(&target, entries.data() + target_at, sizeof target);
  return target.target.u.user.name[0] == '\0' && target.verdict == -NF_DROP - 1;
}

template <typename Info, typename Entries, typename Entry>
bool legacy_policy_drops(const LegacyTables& tables) {
  const FileDescriptor socket(::socket(tables.domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return false;
  Info info{};
  std::strncpy(info.name, kFilterTable, sizeof info.name - 1);
  socklen_t size = sizeof info;
  if (getsockopt(socket.get(), tables.level, tables.get_info, &info, &size) != 0) return false;
  if (info.size > kLegacyTableSizeMax) return false;
  std::vector<std::uint8_t> answer(sizeof(Entries) + info.size);
  Entries request{};
  std::strncpy(request.name, kFilterTable, sizeof request.name - 1);
  request.size = info.size;
  std::memcpy(answer.data(), &request, sizeof request);
  size = static_cast<socklen_t>(answer.size());
  if (getsockopt(socket.get(), tables.level, tables.get_entries, answer.data(), &size) != 0) return false;
  return drops<Entry>(Bytes(answer).subspan(sizeof(Entries)), info.underflow[NF_INET_FORWARD]);
}

}  // namespace

std::vector<ForwardChain> dropping_forward_chains() {
  std::vector<ForwardChain> chains;
  append_nf_tables(chains);
  if (has_filter_table(kLegacyV4.names) && legacy_policy_drops<ipt_getinfo, ipt_get_entries, ipt_entry>(kLegacyV4))
    chains.push_back({true, false, kLegacyV4.chain});
  if (has_filter_table(kLegacyV6.names) && legacy_policy_drops<ip6t_getinfo, ip6t_get_entries, ip6t_entry>(kLegacyV6))
    chains.push_back({false, true, kLegacyV6.chain});
  return chains;
}

}  // namespace starling::daemon
