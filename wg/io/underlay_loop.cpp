#include "wg/io/underlay_loop.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "wg/io/socket_address.h"

namespace starling::wg {
namespace {

constexpr std::size_t kIpv6HeaderSize = 40;  // bytes
constexpr std::size_t kFragmentHeaderSize = 8;
constexpr std::size_t kUdpHeaderSize = 8;
constexpr std::uint8_t kProtocolUdp = 17;
constexpr std::uint8_t kNextHeaderFragment = 44;

// Where the UDP header begins, or nothing. Our own sockets send no extension headers, but the kernel puts one before
// the pieces of what is too large; a later piece has no UDP header.
std::optional<std::size_t> udp_offset_ipv6(Bytes packet) {
  std::size_t offset = kIpv6HeaderSize;
  std::uint8_t next = packet[6];
  if (next == kNextHeaderFragment && packet.size() >= offset + kFragmentHeaderSize) {
    const bool later_fragment = packet[offset + 2] != 0 || (packet[offset + 3] & 0xf8) != 0;
    if (later_fragment) return std::nullopt;
    next = packet[offset];
    offset += kFragmentHeaderSize;
  }
  return next == kProtocolUdp ? std::optional(offset) : std::nullopt;
}

std::optional<std::size_t> udp_offset(Bytes packet) {
  if (packet[0] >> 4 == 6) return udp_offset_ipv6(packet);
  const bool later_fragment = (packet[6] & 0x1f) != 0 || packet[7] != 0;
  if (packet[9] != kProtocolUdp || later_fragment) return std::nullopt;
  return std::size_t{packet[0] & 0x0fu} * 4;
}

}  // namespace

std::optional<UdpPorts> wireguard_ports(Bytes packet) {
  const std::optional<std::size_t> offset = udp_offset(packet);
  if (!offset || packet.size() < *offset + kUdpHeaderSize + 4) return std::nullopt;
  ByteReader reader(packet.subspan(*offset));
  const UdpPorts ports{reader.u16(), reader.u16()};
  reader.u32();  // length, checksum
  const std::uint32_t type = reader.u32_le();
  if (type < 1 || type > 4) return std::nullopt;
  return ports;
}

bool is_local_address(const IpAddress& address) {
  const FileDescriptor probe(::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t size = to_socket_address({address, 0, 0}, storage);
  return probe.valid() && ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0;
}

}  // namespace starling::wg
