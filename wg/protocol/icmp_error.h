// The ICMP error that a router sends back for a packet that it cannot carry: a whole IPv4 or IPv6 packet, of the
// offender's family and to the offender's source, with as much of the offender as the standards allow (RFC 792,
// RFC 1191, RFC 1812 §4.3; RFC 4443). Nothing comes of a packet that must not be answered, so that errors never breed
// errors and nobody's packet is multiplied. Pure, safe on any bytes; how many errors are sent is the caller's to limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ip.h"

namespace starling::wg {

enum class IcmpError : std::uint8_t {
  no_route,             // no table has the destination: net unreachable 3/0 (RFC 1812 §5.2.7.1), ICMPv6 1/0
  address_unreachable,  // it has, and its peer cannot be reached: host unreachable 3/1, ICMPv6 1/3
  packet_too_big,       // 3/4 with the next hop's MTU (RFC 1191 §4), ICMPv6 2/0
  time_exceeded,        // TTL or hop limit ran out on the way: 11/0, ICMPv6 3/0
};

// Bytes of the whole error, IP header included.
inline constexpr std::size_t kIcmpErrorSizeMaxV4 = 576;   // RFC 1812 §4.3.2.3
inline constexpr std::size_t kIcmpErrorSizeMaxV6 = 1280;  // RFC 4443 §2.4 (c)
inline constexpr std::size_t kIcmpErrorSizeMax = kIcmpErrorSizeMaxV6;

// Writes the error to the beginning of `out` and returns its size. `offending` begins with the packet as it arrived;
// what is behind its length is padding. `source` is the address that the error comes from: 192.0.0.8 where a node has
// none (RFC 7600). `mtu` is looked at for packet_too_big alone.
//
// Nothing, where no answer is allowed: the offender is an ICMP error or a redirect, a fragment but the first, from or
// to multicast or broadcast (ICMPv6 tells of too big even then, RFC 4443 §2.4 (e)), from an address that names no
// single node (unspecified, loopback), or malformed; or `source` is of another family or cannot be one; or `out` is too
// small (kIcmpErrorSizeMax always does). `out` is then unchanged. It must not overlap the offender.
std::optional<std::size_t> make_icmp_error(IcmpError kind, Bytes offending, const IpAddress& source, std::uint32_t mtu,
                                           MutableBytes out);

}  // namespace starling::wg
