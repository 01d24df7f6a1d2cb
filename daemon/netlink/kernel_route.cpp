#include "daemon/netlink/kernel_route.h"

#include <errno.h>

#include <algorithm>
#include <array>

namespace starling::daemon {

namespace {

constexpr std::uint32_t kTableFieldMax = 255;  // larger ones only in RTA_TABLE

rtmsg route_header(const KernelRoute& route) {
  rtmsg header{};
  header.rtm_family = address_family(route.prefix.family());
  header.rtm_dst_len = static_cast<unsigned char>(route.prefix.length());
  header.rtm_table = static_cast<unsigned char>(route.table <= kTableFieldMax ? route.table : RT_TABLE_UNSPEC);
  header.rtm_protocol = route.protocol;
  header.rtm_scope = route.prefix.family() == Family::ipv4 && !route.gateway ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  return header;
}

void append_gateway(NetlinkMessage& message, const KernelRoute& route) {
  if (route.gateway->family() == route.prefix.family()) return message.attribute_address(RTA_GATEWAY, *route.gateway);
  std::vector<std::uint8_t> via(sizeof(rtvia));
  const auto family = static_cast<__kernel_sa_family_t>(address_family(route.gateway->family()));
  std::memcpy(via.data(), &family, sizeof family);
  const Bytes address = route.gateway->bytes();
  via.insert(via.end(), address.begin(), address.end());
  message.attribute(RTA_VIA, via);
}

NetlinkMessage route_message(int type, int flags, const KernelRoute& route) {
  NetlinkMessage message(type, flags, route_header(route));
  message.attribute_address(RTA_DST, route.prefix.address());
  message.attribute_u32(RTA_TABLE, route.table);
  message.attribute_u32(RTA_PRIORITY, route.metric);
  message.attribute_u32(RTA_OIF, route.interface_index);
  if (type == RTM_DELROUTE) return message;
  if (route.gateway) append_gateway(message, route);
  if (route.source) message.attribute_address(RTA_PREFSRC, *route.source);
  return message;
}

std::optional<IpAddress> decode_gateway(const NetlinkAttributes& attributes) {
  if (const auto gateway = attributes.address(RTA_GATEWAY)) return gateway;
  const Bytes via = attributes.at(RTA_VIA);
  if (via.size() != sizeof(rtvia) + 4 && via.size() != sizeof(rtvia) + 16) return std::nullopt;
  return IpAddress::from_bytes(via.subspan(sizeof(rtvia)));
}

// FNV-1a: tells routes apart that differ in what we need not know in detail.
class Digest {
 public:
  void add(Bytes bytes) {
    for (const std::uint8_t byte : bytes) value_ = (value_ ^ byte) * 1099511628211u;
  }
  template <typename Value>
  void add_value(const Value& value) {
    add(Bytes(reinterpret_cast<const std::uint8_t*>(&value), sizeof value));
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 14695981039346656037u;
};

// Without the flags of each next hop, which come and go with its carrier.
void add_next_hops(Digest& digest, Bytes multipath) {
  while (multipath.size() >= sizeof(rtnexthop)) {
    rtnexthop hop;
    std::memcpy(&hop, multipath.data(), sizeof hop);
    const std::size_t size = std::min<std::size_t>(hop.rtnh_len, multipath.size());
    if (size < sizeof hop) return;
    hop.rtnh_flags = 0;
    digest.add_value(hop);
    digest.add(multipath.subspan(sizeof hop, size - sizeof hop));
    multipath = multipath.subspan(std::min(RTNH_ALIGN(size), multipath.size()));
  }
}

std::uint64_t digest_of_special(const rtmsg& header, const NetlinkAttributes& attributes) {
  constexpr std::array<int, 5> kSpecial{RTA_SRC, RTA_ENCAP, RTA_NH_ID, RTA_METRICS, RTA_FLOW};
  Digest digest;
  bool any = header.rtm_tos != 0 || header.rtm_src_len != 0 || attributes.has(RTA_MULTIPATH);
  digest.add_value(header.rtm_tos);
  digest.add_value(header.rtm_src_len);
  add_next_hops(digest, attributes.at(RTA_MULTIPATH));
  for (const int type : kSpecial) {
    any = any || attributes.has(type);
    digest.add(attributes.at(type));
  }
  return any ? std::max<std::uint64_t>(digest.value(), 1) : 0;
}

}  // namespace

NetlinkMessage create_route_message(const KernelRoute& route) {
  return route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
}

NetlinkMessage replace_route_message(const KernelRoute& route) {
  return route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

NetlinkMessage delete_route_message(const KernelRoute& route) {
  rtmsg header = route_header(route);
  header.rtm_scope = RT_SCOPE_NOWHERE;  // any
  NetlinkMessage message(RTM_DELROUTE, 0, header);
  message.attribute_address(RTA_DST, route.prefix.address());
  message.attribute_u32(RTA_TABLE, route.table);
  message.attribute_u32(RTA_PRIORITY, route.metric);
  if (route.interface_index != 0) message.attribute_u32(RTA_OIF, route.interface_index);
  return message;
}

std::optional<KernelRoute> decode_route(const nlmsghdr& message) {
  const auto* header = fixed_header<rtmsg>(message);
  if (header == nullptr || (header->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
  const auto family = family_of(header->rtm_family);
  if (!family || header->rtm_dst_len > (*family == Family::ipv4 ? 32 : 128)) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof(rtmsg));
  const IpAddress any = *family == Family::ipv4 ? IpAddress() : IpAddress::v6({});
  const IpAddress address = attributes.address(RTA_DST).value_or(any);
  if (address.family() != *family) return std::nullopt;
  KernelRoute route;
  route.prefix = Prefix(address, header->rtm_dst_len);
  route.table = attributes.u32(RTA_TABLE).value_or(header->rtm_table);
  route.metric = attributes.u32(RTA_PRIORITY).value_or(0);
  route.protocol = header->rtm_protocol;
  route.interface_index = attributes.u32(RTA_OIF).value_or(0);
  route.gateway = decode_gateway(attributes);
  route.source = attributes.address(RTA_PREFSRC);
  route.type = header->rtm_type;
  route.narrow = header->rtm_tos != 0 || header->rtm_src_len != 0;
  route.special = digest_of_special(*header, attributes);
  return route;
}

NetlinkMessage dump_routes_message(Family family) {
  rtmsg header{};
  header.rtm_family = address_family(family);
  return NetlinkMessage(RTM_GETROUTE, 0, header);
}

bool is_without_family(const NetlinkAnswer& answer, Family family) {
  return family == Family::ipv6 && answer.error == EAFNOSUPPORT;
}

NetlinkAnswer dump_routes(NetlinkSocket& socket, const std::function<void(const KernelRoute&)>& each) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const NetlinkAnswer answer = socket.dump(dump_routes_message(family), [&](const nlmsghdr& message) {
      if (const auto route = decode_route(message)) each(*route);
    });
    if (!answer.ok() && !is_without_family(answer, family)) return answer;
  }
  return {};
}

std::optional<std::uint32_t> outgoing_interface(NetlinkSocket& socket, const IpAddress& destination,
                                                std::uint32_t mark) {
  rtmsg header{};
  header.rtm_family = address_family(destination.family());
  header.rtm_dst_len = static_cast<unsigned char>(destination.bits());
  NetlinkMessage message(RTM_GETROUTE, 0, header);
  message.attribute_address(RTA_DST, destination);
  if (mark != 0) message.attribute_u32(RTA_MARK, mark);
  std::optional<std::uint32_t> index;
  socket.query(std::move(message),
               [&](const nlmsghdr& answer) { index = NetlinkAttributes(answer, sizeof(rtmsg)).u32(RTA_OIF); });
  return index;
}

}  // namespace starling::daemon
