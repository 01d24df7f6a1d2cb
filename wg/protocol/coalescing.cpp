#include "wg/protocol/coalescing.h"

#include <algorithm>
#include <cstring>

#include "wg/protocol/checksum.h"
#include "wg/protocol/ip_header.h"

namespace starling::wg {

namespace {

constexpr std::size_t kPacketSizeMax = 65535;  // bytes, of a joined one

bool same_bytes(Bytes a, Bytes b, std::size_t from, std::size_t to) {
  return std::memcmp(a.data() + from, b.data() + from, to - from) == 0;
}

bool same_addresses(Bytes a, Bytes b) {
  const Bytes of_a = addresses_of(a);
  const Bytes of_b = addresses_of(b);
  return of_a.size() == of_b.size() && std::memcmp(of_a.data(), of_b.data(), of_a.size()) == 0;
}

// Where the transport header begins; 0: options, extension headers or fragments, which are left alone.
std::size_t transport_of(Bytes packet) {
  if (!says_ipv4(packet)) return kIpv6HeaderSize;
  const bool plain = packet[0] == 0x45;
  const bool fragment = (load_u16(packet, kIpv4FragmentOffset) & (kIpv4MoreFragments | kIpv4FragmentMask)) != 0;
  return plain && !fragment ? kIpv4HeaderSize : 0;
}

std::uint8_t protocol_of(Bytes packet) {
  return packet[says_ipv4(packet) ? kIpv4ProtocolOffset : kIpv6NextHeaderOffset];
}

// Bytes of IP and transport header of a segment that may be joined; 0: it may not.
std::size_t tcp_header_size(Bytes packet, std::size_t transport) {
  if (packet.size() < transport + kTcpHeaderSize) return 0;
  const std::size_t size = std::size_t{packet[transport + kTcpDataOffset]} >> 4;
  const std::uint8_t flags = packet[transport + kTcpFlagsOffset];
  if (size * 4 < kTcpHeaderSize || (flags & ~kTcpPush) != kTcpAcknowledge) return 0;
  return transport + size * 4;
}

std::size_t udp_header_size(Bytes packet, std::size_t transport) {
  if (packet.size() < transport + kUdpHeaderSize) return 0;
  const bool whole = load_u16(packet, transport + kUdpLengthOffset) == packet.size() - transport;
  const bool has_checksum = load_u16(packet, transport + kUdpChecksumOffset) != 0;
  return whole && has_checksum ? transport + kUdpHeaderSize : 0;
}

// A joined packet is vouched for by its header alone: what has a wrong checksum must not hide in it.
bool checksums_are_right(Bytes packet, std::size_t transport) {
  if (says_ipv4(packet)) {
    InternetSum sum;
    sum.add(packet.first<kIpv4HeaderSize>());
    if (sum.value() != 0xffff) return false;
  }
  InternetSum sum = pseudo_header_sum(addresses_of(packet), protocol_of(packet),
                                      static_cast<std::uint32_t>(packet.size() - transport));
  sum.add(packet.subspan(transport));
  return sum.value() == 0xffff;
}

// Everything in the IP header but lengths, identifier and checksum.
bool same_ip(Bytes a, Bytes b) {
  if (!says_ipv4(a))
    return same_bytes(a, b, 0, kIpv6PayloadLengthOffset) && same_bytes(a, b, kIpv6NextHeaderOffset, kIpv6HeaderSize);
  return same_bytes(a, b, 0, kIpv4TotalLengthOffset) && same_bytes(a, b, kIpv4FragmentOffset, kIpv4ChecksumOffset) &&
         same_bytes(a, b, kIpv4AddressesOffset, kIpv4HeaderSize);
}

// Everything in the TCP header but sequence number, push flag and checksum.
bool same_tcp(Bytes a, Bytes b) {
  return same_bytes(a, b, kTcpAcknowledgementOffset, kTcpFlagsOffset) &&
         same_bytes(a, b, kTcpWindowOffset, kTcpChecksumOffset) && same_bytes(a, b, kTcpChecksumOffset + 2, a.size());
}

// Whether `packet`, described by `next`, goes on where `run` ends.
bool follows(const JoinedPacket& run, const JoinedPacket& next) {
  if (!run.is_open || run.header_size != next.header_size || run.owner != next.owner) return false;
  if (next.payload_size > run.payload_size || run.size + next.payload_size > kPacketSizeMax) return false;
  if (run.count >= (run.is_tcp ? Coalescer::kPiecesMax : Coalescer::kUdpPiecesMax)) return false;
  const Bytes a = run.first.first(run.header_size);
  const Bytes b = next.first.first(next.header_size);
  if (!same_ip(a, b)) return false;
  if (!run.is_tcp) return true;
  return run.next_sequence == next.next_sequence - next.payload_size &&
         same_tcp(a.subspan(run.transport), b.subspan(run.transport));
}

bool same_flow(const JoinedPacket& a, const JoinedPacket& b) {
  return a.header_size != 0 && a.is_tcp == b.is_tcp && a.transport == b.transport && same_addresses(a.first, b.first) &&
         std::memcmp(a.first.data() + a.transport, b.first.data() + b.transport, 2 * sizeof(std::uint16_t)) == 0;
}

void join(JoinedPacket& run, const JoinedPacket& next) {
  ++run.count;
  run.size += next.payload_size;
  run.next_sequence = next.next_sequence;
  run.pushes = next.pushes;
  run.is_open = !next.pushes && next.payload_size == run.payload_size;
}

// The headers of all in one: lengths of the whole, and a checksum field that holds the sum of the pseudo header alone.
void write_headers(JoinedPacket& run) {
  const MutableBytes packet = run.first;
  std::memcpy(run.first_header.data(), packet.data(), run.header_size);
  if (says_ipv4(packet)) {
    store_u16(packet, kIpv4TotalLengthOffset, static_cast<std::uint16_t>(run.size));
    store_u16(packet, kIpv4ChecksumOffset, 0);
    InternetSum sum;
    sum.add(Bytes(packet).first<kIpv4HeaderSize>());
    store_u16(packet, kIpv4ChecksumOffset, sum.checksum());
  } else {
    store_u16(packet, kIpv6PayloadLengthOffset, static_cast<std::uint16_t>(run.size - kIpv6HeaderSize));
  }
  const std::size_t length = run.size - run.transport;
  const std::size_t field = run.is_tcp ? kTcpChecksumOffset : kUdpChecksumOffset;
  const InternetSum sum =
      pseudo_header_sum(addresses_of(packet), protocol_of(packet), static_cast<std::uint32_t>(length));
  store_u16(packet, run.transport + field, sum.value());
  if (run.is_tcp && run.pushes) packet[run.transport + kTcpFlagsOffset] |= kTcpPush;
  if (!run.is_tcp) store_u16(packet, run.transport + kUdpLengthOffset, static_cast<std::uint16_t>(length));
  run.virtio.flags = VirtioHeader::kNeedsChecksum;
  run.virtio.segmentation = !run.is_tcp         ? VirtioHeader::kUdp
                            : says_ipv4(packet) ? VirtioHeader::kTcpIpv4
                                                : VirtioHeader::kTcpIpv6;
  run.virtio.header_size = static_cast<std::uint16_t>(run.header_size);
  run.virtio.segment_size = static_cast<std::uint16_t>(run.payload_size);
  run.virtio.checksum_start = static_cast<std::uint16_t>(run.transport);
  run.virtio.checksum_offset = static_cast<std::uint16_t>(field);
}

}  // namespace

Bytes JoinedPacket::original(std::size_t index) {
  if (index > 0) return {pieces[index].data() - header_size, header_size + pieces[index].size()};
  if (pieces.size() > 1) std::memcpy(first.data(), first_header.data(), header_size);
  return first;
}

Coalescer::Coalescer(bool tcp, bool udp) : tcp_(tcp), udp_(udp) {
  packets_.reserve(kPacketsExpected);
  arrivals_.reserve(kPacketsExpected);
  pieces_.reserve(kPacketsExpected);
}

JoinedPacket& Coalescer::append(MutableBytes packet, std::uint32_t owner) {
  if (count_ == packets_.size()) packets_.emplace_back();
  arrivals_.push_back({packet, count_});
  JoinedPacket& added = packets_[count_++];
  added.virtio = {};
  added.count = 1;
  added.owner = owner;
  added.size = packet.size();
  added.first = packet;
  added.header_size = 0;
  added.is_open = added.is_verified = added.pushes = false;
  return added;
}

void Coalescer::add(MutableBytes packet, std::uint32_t owner) {
  JoinedPacket& added = append(packet, owner);
  if (!tcp_ && !udp_) return;
  const std::size_t transport = transport_of(packet);
  const std::uint8_t protocol = protocol_of(packet);
  std::size_t header_size = 0;
  if (transport != 0 && protocol == kProtocolTcp && tcp_) header_size = tcp_header_size(packet, transport);
  if (transport != 0 && protocol == kProtocolUdp && udp_) header_size = udp_header_size(packet, transport);
  if (header_size == 0 || header_size >= packet.size()) return close_flows(packet);

  added.header_size = header_size;
  added.transport = transport;
  added.payload_size = packet.size() - header_size;
  added.is_tcp = protocol == kProtocolTcp;
  if (added.is_tcp) {
    added.pushes = (packet[transport + kTcpFlagsOffset] & kTcpPush) != 0;
    added.next_sequence =
        static_cast<std::uint32_t>(load_u32(packet, transport + kTcpSequenceOffset) + added.payload_size);
  }
  added.is_open = !added.pushes;
  JoinedPacket* const run = find_flow(added);
  if (run == nullptr) return;
  if (follows(*run, added)) {
    run->is_verified = run->is_verified || checksums_are_right(run->first, transport);
    if (run->is_verified && checksums_are_right(packet, transport)) {
      join(*run, added);
      arrivals_.back() = {packet.subspan(header_size), static_cast<std::size_t>(run - packets_.data())};
      --count_;
      return;
    }
  }
  run->is_open = false;
}

// The newest of this flow, among the newest packets.
JoinedPacket* Coalescer::find_flow(const JoinedPacket& like) {
  std::size_t looked_at = 0;
  for (std::size_t i = count_ - 1; i-- > 0 && looked_at < kFlowsMax; ++looked_at) {
    if (same_flow(packets_[i], like)) return &packets_[i];
  }
  return nullptr;
}

// A packet that joins none must not be overtaken by later ones of its flow, whatever in it says which that is. What
// find_flow() does not see any more needs no closing.
void Coalescer::close_flows(Bytes packet) {
  std::size_t looked_at = 0;
  for (std::size_t i = count_ - 1; i-- > 0 && looked_at < kFlowsMax; ++looked_at) {
    if (same_addresses(packets_[i].first, packet)) packets_[i].is_open = false;
  }
}

// Flows come mixed: each packet's pieces are laid out one behind the other.
void Coalescer::sort_pieces() {
  pieces_.resize(arrivals_.size());
  const Bytes* end = pieces_.data();
  for (std::size_t i = 0; i < count_; ++i) {
    packets_[i].pieces = {end, 0};
    end += packets_[i].count;
  }
  for (const Arrival& arrival : arrivals_) {
    std::span<const Bytes>& pieces = packets_[arrival.packet].pieces;
    pieces_[static_cast<std::size_t>(pieces.data() - pieces_.data()) + pieces.size()] = arrival.piece;
    pieces = {pieces.data(), pieces.size() + 1};
  }
}

std::span<JoinedPacket> Coalescer::finish() {
  sort_pieces();
  for (std::size_t i = 0; i < count_; ++i) {
    if (packets_[i].count > 1) write_headers(packets_[i]);
  }
  return {packets_.data(), count_};
}

}  // namespace starling::wg
