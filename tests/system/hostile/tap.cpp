#include "tests/system/hostile/tap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace starling::hostile {
namespace {

constexpr std::size_t kIpv4HeaderSize = 20;  // bytes
constexpr std::size_t kUdpHeaderSize = 8;    // bytes
constexpr std::uint8_t kProtocolUdp = 17;
constexpr int kReceiveBuffer = 8 << 20;  // bytes

// A socket stays in the namespace that it was made in.
FileDescriptor open_in(const std::string& network_namespace) {
  const FileDescriptor ours =
      checked_descriptor(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), "/proc/self/ns/net");
  const std::string path = "/run/netns/" + network_namespace;
  const FileDescriptor theirs = checked_descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path.c_str());
  if (::setns(theirs.get(), CLONE_NEWNET) < 0) throw std::system_error(errno, std::generic_category(), "setns");
  FileDescriptor socket =
      checked_descriptor(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL)), "AF_PACKET");
  if (::setns(ours.get(), CLONE_NEWNET) < 0) throw std::system_error(errno, std::generic_category(), "setns");
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  return socket;
}

void keep(std::deque<Datagram>& list, Bytes payload) {
  list.emplace_back(payload.begin(), payload.end());
  if (list.size() > Tap::kDatagramsMax) list.pop_front();
}

}  // namespace

Tap::Tap(const std::string& network_namespace, const Endpoint& victim)
    : socket_(open_in(network_namespace)), victim_(victim) {}

void Tap::read() {
  std::array<std::uint8_t, 1 << 16> buffer;
  for (;;) {
    sockaddr_ll from{};
    socklen_t from_size = sizeof from;
    const ssize_t got =
        ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    if (from.sll_pkttype == PACKET_OUTGOING && from.sll_protocol == htons(ETH_P_IP))
      take(Bytes(buffer.data(), static_cast<std::size_t>(got)));
  }
}

void Tap::take(Bytes packet) {
  if (packet.size() < kIpv4HeaderSize + kUdpHeaderSize || packet[0] != 0x45 || packet[9] != kProtocolUdp) return;
  if (IpAddress::from_bytes(packet.subspan(16, 4)) != victim_.address) return;
  ByteReader udp(packet.subspan(kIpv4HeaderSize));
  udp.u16();
  if (udp.u16() != victim_.port) return;
  const std::size_t size = udp.u16();
  // Several at once, for the kernel to cut up later, are nothing that could be played back as one.
  if (size < kUdpHeaderSize + 1 || size > 1500 || kIpv4HeaderSize + size > packet.size()) return;
  const Bytes payload = packet.subspan(kIpv4HeaderSize + kUdpHeaderSize, size - kUdpHeaderSize);
  keep(payload[0] == 4 ? data_ : handshakes_, payload);
}

}  // namespace starling::hostile
