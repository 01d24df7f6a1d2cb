#include "tests/system/backend/packets.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/system/backend/node.h"
#include "wg/io/socket_address.h"

namespace starling::wg::test {

void send_into(const std::string& interface, const char* destination) {
  const FileDescriptor sender(::socket(AF_INET, SOCK_DGRAM, 0));
  REQUIRE(::setsockopt(sender.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.data(),
                       static_cast<socklen_t>(interface.size())) == 0);
  sockaddr_storage to{};
  const socklen_t size = to_socket_address({*IpAddress::parse(destination), 9, 0}, to);
  REQUIRE(::sendto(sender.get(), "packet", 6, 0, reinterpret_cast<sockaddr*>(&to), size) == 6);
}

void inject(const std::string& interface, const std::vector<std::uint8_t>& packet, int count) {
  const std::uint16_t protocol = htons(packet[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP);
  const FileDescriptor sender(::socket(AF_PACKET, SOCK_DGRAM, protocol));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = protocol;
  to.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  for (int i = 0; i < count; ++i) {
    REQUIRE(::sendto(sender.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to) ==
            static_cast<ssize_t>(packet.size()));
  }
}

std::vector<std::uint8_t> icmp_packet(const char* source, const char* destination, std::uint8_t type) {
  std::vector<std::uint8_t> packet = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, IPPROTO_ICMP, 0, 0};
  ByteWriter out(packet);
  out.bytes(IpAddress::parse(source)->bytes());
  out.bytes(IpAddress::parse(destination)->bytes());
  out.u8(type);
  packet.resize(28);
  return packet;
}

std::vector<std::uint8_t> forged_control_packet(const IpAddress& source, const IpAddress& destination) {
  std::vector<std::uint8_t> packet = {0x60, 0, 0, 0, 0, 12, IPPROTO_UDP, 255};
  ByteWriter out(packet);
  out.bytes(source.bytes());
  out.bytes(destination.bytes());
  for (const std::uint16_t word : {kControl, kControl, std::uint16_t{12}, std::uint16_t{0}}) out.u16(word);
  out.u32(0);
  return packet;
}

Tap::Tap(const std::string& interface)
    : socket_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {  // of nothing before it is bound
  sockaddr_ll from{};
  from.sll_family = AF_PACKET;
  from.sll_protocol = htons(ETH_P_ALL);
  from.sll_ifindex = interface.empty() ? 0 : static_cast<int>(::if_nametoindex(interface.c_str()));
  REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
}

std::optional<std::vector<std::uint8_t>> Tap::next(int timeout_ms) {
  pollfd waiting{socket_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, timeout_ms) <= 0) return std::nullopt;
  std::vector<std::uint8_t> packet(2048);
  const ssize_t size = ::recv(socket_.get(), packet.data(), packet.size(), MSG_DONTWAIT);
  if (size <= 0) return std::nullopt;
  packet.resize(static_cast<std::size_t>(size));
  return packet;
}

}  // namespace starling::wg::test
