#include "wg/io/ancillary.h"

#include <linux/udp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>

namespace starling::wg {
namespace {

template <typename T>
T value_of(const cmsghdr* item) {
  T value{};
  std::memcpy(&value, CMSG_DATA(item), sizeof value);
  return value;
}

void note_local(Ancillary& out, const IpAddress& address, std::uint32_t interface_index) {
  out.interface_index = interface_index;
  if (!address.is_multicast() && !address.is_unspecified()) out.local = LocalAddress{address, interface_index};
}

void read_ipv4(const cmsghdr* item, Ancillary& out) {
  if (item->cmsg_type == IP_PKTINFO) {
    const auto information = value_of<in_pktinfo>(item);
    // ipi_spec_dst is an address of ours even where the datagram went to a broadcast address.
    note_local(out, IpAddress::v4(std::bit_cast<std::array<std::uint8_t, 4>>(information.ipi_spec_dst)),
               static_cast<std::uint32_t>(information.ipi_ifindex));
  }
  if (item->cmsg_type == IP_TOS) out.traffic_class = *CMSG_DATA(item);  // one byte, unlike what is sent
}

void read_ipv6(const cmsghdr* item, Ancillary& out) {
  if (item->cmsg_type == IPV6_PKTINFO) {
    const auto information = value_of<in6_pktinfo>(item);
    note_local(out, IpAddress::v6(std::bit_cast<std::array<std::uint8_t, 16>>(information.ipi6_addr)),
               information.ipi6_ifindex);
  }
  if (item->cmsg_type == IPV6_TCLASS) out.traffic_class = static_cast<std::uint8_t>(value_of<int>(item));
}

// Appends one part to what `header` holds.
template <typename T>
void append(msghdr& header, AncillaryBuffer& buffer, int level, int type, const T& value) {
  auto* const item = reinterpret_cast<cmsghdr*>(buffer.bytes.data() + header.msg_controllen);
  item->cmsg_level = level;
  item->cmsg_type = type;
  item->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(item), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
}

void append_source(msghdr& header, AncillaryBuffer& buffer, const LocalAddress& source) {
  const Bytes bytes = source.address.bytes();
  if (source.address.is_v4()) {
    in_pktinfo information{};
    std::memcpy(&information.ipi_spec_dst, bytes.data(), bytes.size());
    append(header, buffer, IPPROTO_IP, IP_PKTINFO, information);
  } else {
    in6_pktinfo information{};
    std::memcpy(&information.ipi6_addr, bytes.data(), bytes.size());
    if (source.address.is_link_local()) information.ipi6_ifindex = source.interface_index;
    append(header, buffer, IPPROTO_IPV6, IPV6_PKTINFO, information);
  }
}

}  // namespace

bool request_ancillary(int fd, Family family) {
  const int on = 1;
  const bool v4 = family == Family::ipv4;
  const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  (void)::setsockopt(fd, level, v4 ? IP_RECVTOS : IPV6_RECVTCLASS, &on, sizeof on);
  (void)::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  return ::setsockopt(fd, level, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, &on, sizeof on) == 0;
}

Ancillary read_ancillary(msghdr& header) {
  Ancillary out;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level == IPPROTO_IP) read_ipv4(item, out);
    if (item->cmsg_level == IPPROTO_IPV6) read_ipv6(item, out);
    if (item->cmsg_level == IPPROTO_UDP && item->cmsg_type == UDP_GRO) {
      out.segment_size = static_cast<std::size_t>(std::max(value_of<int>(item), 0));
    }
    if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SO_RXQ_OVFL) out.lost = value_of<std::uint32_t>(item);
  }
  return out;
}

void write_ancillary(msghdr& header, AncillaryBuffer& buffer, Family family, const OutgoingAncillary& what) {
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  const bool use_source = what.source && what.source->address.family() == family;
  if (what.traffic_class == 0 && !use_source && what.segment_size == 0) return;
  buffer.bytes.fill(0);
  header.msg_control = buffer.bytes.data();
  if (what.traffic_class != 0) {
    append(header, buffer, family == Family::ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
           family == Family::ipv4 ? IP_TOS : IPV6_TCLASS, int{what.traffic_class});
  }
  if (use_source) append_source(header, buffer, *what.source);
  if (what.segment_size != 0) append(header, buffer, IPPROTO_UDP, UDP_SEGMENT, what.segment_size);
}

}  // namespace starling::wg
