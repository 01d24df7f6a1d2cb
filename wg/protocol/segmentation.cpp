#include "wg/protocol/segmentation.h"

#include <algorithm>
#include <cstring>

#include "wg/protocol/checksum.h"
#include "wg/protocol/ip_header.h"

namespace starling::wg {

namespace {

// Whether an IP header ends at `transport`, with this protocol behind it. Between IPv6's header and there lie extension
// headers, which every packet gets alike.
bool ends_ip_header(Bytes packet, std::size_t transport, std::uint8_t protocol) {
  if (packet.size() < kIpv4HeaderSize) return false;
  if (!says_ipv4(packet)) return packet[0] >> 4 == 6 && transport >= kIpv6HeaderSize;
  const bool fragment = (load_u16(packet, kIpv4FragmentOffset) & (kIpv4MoreFragments | kIpv4FragmentMask)) != 0;
  return transport >= kIpv4HeaderSize && std::size_t{packet[0] & 15u} * 4 == transport && !fragment &&
         packet[kIpv4ProtocolOffset] == protocol;
}

struct Kind {
  std::uint8_t protocol;
  bool ipv4;  // may be in it
  bool ipv6;
};

std::optional<Kind> kind_of(const VirtioHeader& header) {
  switch (header.segmentation) {
    case VirtioHeader::kTcpIpv4: return Kind{kProtocolTcp, true, false};
    case VirtioHeader::kTcpIpv6: return Kind{kProtocolTcp, false, true};
    case VirtioHeader::kUdp: return Kind{kProtocolUdp, true, true};
    default: return std::nullopt;
  }
}

// Bytes of the headers together; not by the virtio header's own word, which forwarded packets have wrong.
std::size_t header_size_of(Bytes packet, std::size_t transport, std::uint8_t protocol) {
  if (protocol == kProtocolUdp) return transport + kUdpHeaderSize;
  if (packet.size() < transport + kTcpHeaderSize) return 0;
  const std::size_t size = std::size_t{packet[transport + kTcpDataOffset]} >> 4;
  return size * 4 < kTcpHeaderSize ? 0 : transport + size * 4;
}

}  // namespace

std::optional<Segmentation> Segmentation::plan(const VirtioHeader& header, MutableBytes packet) {
  if (header.segmentation == VirtioHeader::kNotSegmented) {
    if (!complete_packet(header, packet)) return std::nullopt;
    return Segmentation(packet, 0, packet.size());
  }
  const std::optional<Kind> kind = kind_of(header);
  const std::size_t transport = header.checksum_start;
  if (!kind || header.segment_size == 0 || !ends_ip_header(packet, transport, kind->protocol)) return std::nullopt;
  if (says_ipv4(packet) ? !kind->ipv4 : !kind->ipv6) return std::nullopt;
  const std::size_t header_size = header_size_of(packet, transport, kind->protocol);
  if (header_size == 0 || header_size > kHeaderSizeMax || header_size >= packet.size()) return std::nullopt;
  Segmentation plan(packet, header_size, header.segment_size);
  plan.transport_ = transport;
  plan.protocol_ = kind->protocol;
  return plan;
}

Segmentation::Segmentation(MutableBytes packet, std::size_t header_size, std::size_t payload_size)
    : packet_(packet), header_size_(header_size), payload_size_(payload_size) {
  if (header_size == 0) return;
  std::memcpy(header_.data(), packet.data(), header_size);
  count_ = (packet.size() - header_size + payload_size - 1) / payload_size;
}

MutableBytes Segmentation::next() {
  const std::size_t index = next_++;
  if (header_size_ == 0) return packet_;
  const MutableBytes segment =
      packet_.subspan(index * payload_size_, std::min(size(), packet_.size() - index * payload_size_));
  if (index > 0) std::memcpy(segment.data(), header_.data(), header_size_);
  write_ip(segment);
  protocol_ == kProtocolTcp ? write_tcp(segment) : write_udp(segment);
  return segment;
}

void Segmentation::write_ip(MutableBytes segment) const {
  if (!says_ipv4(segment)) {
    return store_u16(segment, kIpv6PayloadLengthOffset, static_cast<std::uint16_t>(segment.size() - kIpv6HeaderSize));
  }
  store_u16(segment, kIpv4TotalLengthOffset, static_cast<std::uint16_t>(segment.size()));
  const std::size_t index = next_ - 1;
  store_u16(segment, kIpv4IdentifierOffset,
            static_cast<std::uint16_t>(load_u16(header_, kIpv4IdentifierOffset) + index));
  store_u16(segment, kIpv4ChecksumOffset, 0);
  InternetSum sum;
  sum.add(segment.first(transport_));
  store_u16(segment, kIpv4ChecksumOffset, sum.checksum());
}

// What is said once for the whole is said by one of its parts: the end by the last, the answer to congestion by the
// first (RFC 9293 §3.1, RFC 3168 §6.1.2).
void Segmentation::write_tcp(MutableBytes segment) const {
  const MutableBytes tcp = segment.subspan(transport_);
  const std::size_t index = next_ - 1;
  const std::uint32_t sequence = load_u32(header_, transport_ + kTcpSequenceOffset);
  store_u32(tcp, kTcpSequenceOffset, static_cast<std::uint32_t>(sequence + index * payload_size_));
  std::uint8_t flags = header_[transport_ + kTcpFlagsOffset];
  if (index > 0) flags &= static_cast<std::uint8_t>(~kTcpCongestionWindowReduced);
  if (next_ < count_) flags &= static_cast<std::uint8_t>(~(kTcpFin | kTcpPush));
  tcp[kTcpFlagsOffset] = flags;
  write_checksum(segment, kTcpChecksumOffset);
}

void Segmentation::write_udp(MutableBytes segment) const {
  store_u16(segment, transport_ + kUdpLengthOffset, static_cast<std::uint16_t>(segment.size() - transport_));
  write_checksum(segment, kUdpChecksumOffset);
}

void Segmentation::write_checksum(MutableBytes segment, std::size_t offset) const {
  const MutableBytes transport = segment.subspan(transport_);
  store_u16(transport, offset, 0);
  InternetSum sum = pseudo_header_sum(addresses_of(segment), protocol_, static_cast<std::uint32_t>(transport.size()));
  sum.add(Bytes(transport));
  store_u16(transport, offset, protocol_ == kProtocolUdp ? sum.udp_checksum() : sum.checksum());
}

}  // namespace starling::wg
