// ICMP errors: what they look like on the wire, how much they quote, and what is never answered.
#include "wg/protocol/icmp_error.h"

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "doctest/doctest.h"
#include "tests/packets.h"
#include "tests/unit/wg/vectors.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;
using namespace starling::test;

namespace {

constexpr std::uint32_t kMtu = 1420;  // bytes
constexpr IcmpError kKinds[] = {IcmpError::no_route, IcmpError::address_unreachable, IcmpError::packet_too_big,
                                IcmpError::time_exceeded};

const IpAddress kRouterV4 = IpAddress::parse("192.0.0.8").value();
const IpAddress kRouterV6 = IpAddress::parse("fd00::f").value();
const IpFields kV4 = between("10.1.0.1", "10.2.0.1");
const IpFields kV6 = between("fd00:1::1", "fd00:2::1");

std::vector<std::uint8_t> udp(const IpFields& fields, std::size_t total_size = 100) {
  const std::size_t headers = (fields.source.is_v4() ? 20 : 40) + fields.options.size() + 8;
  return make_udp(fields, 1, 2, std::vector<std::uint8_t>(total_size - headers, 0x5a));
}

// An ICMP or ICMPv6 message of eight bytes.
std::vector<std::uint8_t> icmp(IpFields fields, std::uint8_t type, std::uint8_t code = 0) {
  fields.protocol = fields.source.is_v4() ? kIcmp : kIcmpv6;
  auto packet = make_ip(fields, std::vector<std::uint8_t>{type, code, 0, 0, 1, 2, 3, 4});
  repair_checksums(packet);
  return packet;
}

// Behind IPv6 extension headers, the first of which is of `protocol`.
std::vector<std::uint8_t> extended(std::uint8_t protocol, const std::vector<std::uint8_t>& payload) {
  IpFields fields = kV6;
  fields.protocol = protocol;
  return make_ip(fields, payload);
}

// Empty if there must be no answer; then nothing was written either.
std::vector<std::uint8_t> answer(IcmpError kind, Bytes offending, const IpAddress& source, std::uint32_t mtu = kMtu) {
  std::vector<std::uint8_t> out(kIcmpErrorSizeMax, 0xee);
  const auto size = make_icmp_error(kind, offending, source, mtu, out);
  const std::size_t written = size.value_or(0);
  REQUIRE(written <= out.size());
  REQUIRE(std::all_of(out.begin() + static_cast<long>(written), out.end(), [](auto byte) { return byte == 0xee; }));
  out.resize(written);
  return out;
}

std::vector<std::uint8_t> answer(IcmpError kind, Bytes offending) {
  return answer(kind, offending, is_ipv4(offending) ? kRouterV4 : kRouterV6);
}

bool answered(Bytes offending, IcmpError kind = IcmpError::time_exceeded) {
  return !answer(kind, offending).empty();
}

}  // namespace

TEST_CASE("an error over IPv4 looks byte by byte as RFC 792 and RFC 1812 have it") {
  const auto packet = answer(IcmpError::time_exceeded, icmp(kV4, 8));
  // python3: the fields by struct.pack, the checksums by summing words.
  CHECK(to_hex(packet) ==
        "45c000380000400040016ffbc00000080a010001"
        "0b00f4ff00000000"
        "4500001c00004000400126dd0a0100010a020001"
        "0800f3f901020304");
}

TEST_CASE("an error over IPv6 looks byte by byte as RFC 4443 has it") {
  const auto packet = answer(IcmpError::packet_too_big, icmp(kV6, 128));
  CHECK(to_hex(packet) ==
        "6c00000000383a40fd00000000000000000000000000000ffd000001000000000000000000000001"
        "020063e80000058c"
        "6000000000083a40fd000001000000000000000000000001fd000002000000000000000000000001"
        "800081b001020304");
}

TEST_CASE("each kind has its type and code, and too big alone tells an MTU") {
  const std::vector<std::pair<std::uint8_t, std::uint8_t>> v4{{3, 0}, {3, 1}, {3, 4}, {11, 0}};
  const std::vector<std::pair<std::uint8_t, std::uint8_t>> v6{{1, 0}, {1, 3}, {2, 0}, {3, 0}};
  for (std::size_t i = 0; i < 4; i++) {
    const auto over_v4 = answer(kKinds[i], udp(kV4)), over_v6 = answer(kKinds[i], udp(kV6));
    const std::uint32_t mtu = kKinds[i] == IcmpError::packet_too_big ? kMtu : 0;
    CHECK(over_v4[20] == v4[i].first);
    CHECK(over_v4[21] == v4[i].second);
    CHECK(get_u16(over_v4, 24) == 0);
    CHECK(get_u16(over_v4, 26) == mtu);
    CHECK(over_v6[40] == v6[i].first);
    CHECK(over_v6[41] == v6[i].second);
    CHECK(get_u16(over_v6, 44) == 0);
    CHECK(get_u16(over_v6, 46) == mtu);
  }
}

TEST_CASE("an MTU of more than 16 bits is told in full over IPv6 and as the largest over IPv4") {
  const auto over_v4 = answer(IcmpError::packet_too_big, udp(kV4), kRouterV4, 70'000);
  const auto over_v6 = answer(IcmpError::packet_too_big, udp(kV6), kRouterV6, 70'000);
  CHECK(get_u16(over_v4, 24) == 0);
  CHECK(get_u16(over_v4, 26) == 65'535);
  CHECK(get_u16(over_v6, 44) == 1);
  CHECK(get_u16(over_v6, 46) == 70'000 - 65'536);
  CHECK(checksums_are_right(over_v4));
  CHECK(checksums_are_right(over_v6));
}

TEST_CASE("as much of the offender is quoted as the standards allow, with right checksums at every size") {
  for (std::size_t size = 48; size <= 1500; size += size < 600 || size > 1200 ? 1 : 37) {
    CAPTURE(size);
    for (const IpFields& fields : {kV4, kV6}) {
      const auto offender = udp(fields, size);
      const std::size_t headers = fields.source.is_v4() ? 28 : 48;
      const std::size_t size_max = fields.source.is_v4() ? 576 : 1280;
      for (const IcmpError kind : kKinds) {
        const auto packet = answer(kind, offender);
        REQUIRE(packet.size() == std::min(size + headers, size_max));
        REQUIRE(checksums_are_right(packet));
        REQUIRE(std::equal(packet.begin() + static_cast<long>(headers), packet.end(), offender.begin()));
        REQUIRE(get_u16(packet, fields.source.is_v4() ? 2 : 4) == packet.size() - (fields.source.is_v4() ? 0 : 40));
      }
    }
  }
}

TEST_CASE("the error goes from the given source to the offender's, never to be fragmented") {
  const auto over_v4 = answer(IcmpError::no_route, udp(kV4)), over_v6 = answer(IcmpError::no_route, udp(kV6));
  CHECK(IpAddress::from_bytes(Bytes(over_v4).subspan(12, 4)) == kRouterV4);
  CHECK(IpAddress::from_bytes(Bytes(over_v4).subspan(16, 4)) == kV4.source);
  CHECK(get_u16(over_v4, 6) == 0x4000);
  CHECK(IpAddress::from_bytes(Bytes(over_v6).subspan(8, 16)) == kRouterV6);
  CHECK(IpAddress::from_bytes(Bytes(over_v6).subspan(24, 16)) == kV6.source);
}

TEST_CASE("padding is not quoted, and an offender of 64 KiB is") {
  for (const IpFields& fields : {kV4, kV6}) {
    auto padded = udp(fields);
    const auto expected = answer(IcmpError::no_route, padded);
    padded.resize(padded.size() + 12, 0xaa);
    CHECK(answer(IcmpError::no_route, padded) == expected);
    CHECK(answered(udp(fields, 65'000), IcmpError::packet_too_big));
  }
}

TEST_CASE("options and whatever is behind the IP header are quoted as they came") {
  IpFields fields = kV4;
  fields.options = {0x94, 0x04, 0, 0};
  fields.protocol = 99;
  const auto offender = make_ip(fields, std::vector<std::uint8_t>{1, 2, 3});
  const auto packet = answer(IcmpError::no_route, offender);
  REQUIRE(packet.size() == 28 + 27);
  CHECK(std::equal(offender.begin(), offender.end(), packet.begin() + 28));
  CHECK(checksums_are_right(packet));
}

TEST_CASE("an ICMP error is never answered, every other ICMP message is") {
  for (int type = 0; type < 256; type++) {
    CAPTURE(type);
    const bool error_v4 = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    const bool error_v6 = type < 128 || type == 137;
    for (const IcmpError kind : kKinds) {
      REQUIRE(answered(icmp(kV4, static_cast<std::uint8_t>(type)), kind) == !error_v4);
      REQUIRE(answered(icmp(kV6, static_cast<std::uint8_t>(type)), kind) == !error_v6);
    }
  }
}

TEST_CASE("our own answers are not answered") {
  for (const IcmpError first : kKinds) {
    for (const IcmpError second : kKinds) {
      CHECK_FALSE(answered(answer(first, udp(kV4, 500)), second));
      CHECK_FALSE(answered(answer(first, udp(kV6, 500)), second));
    }
  }
}

TEST_CASE("an ICMPv6 error behind extension headers is found, and an echo behind them too") {
  const std::vector<std::uint8_t> error{1, 0, 0, 0, 0, 0, 0, 0}, echo{128, 0, 0, 0, 0, 0, 0, 0};
  for (const std::uint8_t protocol : std::vector<std::uint8_t>{0, 43, 60, 135, 139, 140, 51}) {
    // Sixteen bytes; authentication counts its length otherwise.
    std::vector<std::uint8_t> header(16, 0);
    header[0] = kIcmpv6;
    header[1] = protocol == 51 ? 2 : 1;
    auto with_error = header, with_echo = header;
    with_error.insert(with_error.end(), error.begin(), error.end());
    with_echo.insert(with_echo.end(), echo.begin(), echo.end());
    CAPTURE(int{protocol});
    CHECK_FALSE(answered(extended(protocol, with_error)));
    CHECK(answered(extended(protocol, with_echo)));
    // The chain, or the message, lies outside: nobody knows what it is.
    CHECK_FALSE(answered(extended(protocol, header)));
    CHECK_FALSE(answered(extended(protocol, std::vector<std::uint8_t>(header.begin(), header.begin() + 15))));
    CHECK_FALSE(answered(extended(protocol, {})));
  }
}

TEST_CASE("a chain of extension headers is followed so far and no further") {
  for (std::size_t count = 1; count <= 12; count++) {
    std::vector<std::uint8_t> payload(8 * count, 0);
    for (std::size_t i = 0; i < count; i++) payload[8 * i] = i + 1 < count ? 60 : kUdp;
    payload.resize(payload.size() + 8);
    CAPTURE(count);
    CHECK(answered(extended(60, payload)) == (count <= 8));
  }
}

TEST_CASE("of a fragmented packet only the first fragment is answered") {
  for (const std::uint16_t offset : std::vector<std::uint16_t>{0, 1, 185, 0x1fff}) {
    CAPTURE(offset);
    IpFields fields = kV4;
    fields.fragment = static_cast<std::uint16_t>(0x2000 | offset);
    CHECK(answered(udp(fields)) == (offset == 0));
    std::vector<std::uint8_t> payload{kUdp, 0, 0, 0, 0, 0, 0, 9};
    put_u16(payload, 2, static_cast<std::uint32_t>(offset) << 3 | 1);
    payload.resize(50);
    CHECK(answered(extended(44, payload)) == (offset == 0));
    CHECK(answered(extended(44, payload), IcmpError::packet_too_big) == (offset == 0));
  }
  // Its first bytes are not a type.
  IpFields later = kV4;
  later.fragment = 185;
  CHECK_FALSE(answered(icmp(later, 8)));
}

TEST_CASE("what is from no single node is never answered") {
  for (const char* source :
       {"0.0.0.0", "0.0.0.1", "127.0.0.1", "224.0.0.5", "239.1.1.1", "240.0.0.1", "255.255.255.255"}) {
    CAPTURE(source);
    for (const IcmpError kind : kKinds) CHECK_FALSE(answered(udp(between(source, "10.2.0.1")), kind));
  }
  for (const char* source : {"::", "::1", "ff02::1", "ff0e::5"}) {
    CAPTURE(source);
    for (const IcmpError kind : kKinds) CHECK_FALSE(answered(udp(between(source, "fd00:2::1")), kind));
  }
}

TEST_CASE("what is to many is never answered, but for too big over IPv6") {
  for (const IcmpError kind : kKinds) {
    CHECK_FALSE(answered(udp(between("10.1.0.1", "224.0.0.251")), kind));
    CHECK_FALSE(answered(udp(between("10.1.0.1", "255.255.255.255")), kind));
    CHECK(answered(udp(between("fd00:1::1", "ff0e::5")), kind) == (kind == IcmpError::packet_too_big));
  }
}

TEST_CASE("no error comes from an address of another family or of no single node") {
  std::vector<std::uint8_t> out(kIcmpErrorSizeMax);
  for (const char* source : {"fd00::f", "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"}) {
    CAPTURE(source);
    CHECK(answer(IcmpError::no_route, udp(kV4), IpAddress::parse(source).value()).empty());
  }
  for (const char* source : {"10.0.0.1", "::", "::1", "ff02::1"}) {
    CAPTURE(source);
    CHECK(answer(IcmpError::no_route, udp(kV6), IpAddress::parse(source).value()).empty());
  }
}

TEST_CASE("what is malformed is never answered") {
  for (const IpFields& fields : {kV4, kV6}) {
    const auto packet = udp(fields);
    for (std::size_t size = 0; size < packet.size(); size++) {
      CAPTURE(size);
      REQUIRE_FALSE(answered(Bytes(packet).first(size)));
    }
  }
  for (std::size_t bit = 0; bit < 160; bit++) {  // the header's checksum is wrong, or something worse
    auto packet = udp(kV4);
    packet[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    CAPTURE(bit);
    REQUIRE(answer(IcmpError::no_route, packet, kRouterV4).empty());
  }
  auto without_type = icmp(kV4, 8);
  put_u16(without_type, 2, 20);
  repair_header_checksum(without_type);
  CHECK_FALSE(answered(without_type));
  auto without_type_v6 = icmp(kV6, 128);
  put_u16(without_type_v6, 4, 0);
  CHECK_FALSE(answered(without_type_v6));
}

TEST_CASE("the room must do for the whole error") {
  for (const IpFields& fields : {kV4, kV6}) {
    const auto offender = udp(fields);
    const std::size_t size = answer(IcmpError::no_route, offender).size();
    const IpAddress& source = fields.source.is_v4() ? kRouterV4 : kRouterV6;
    std::vector<std::uint8_t> out(size, 0);
    CHECK(make_icmp_error(IcmpError::no_route, offender, source, kMtu, out) == size);
    std::vector<std::uint8_t> small(size - 1, 0xee);
    CHECK_FALSE(make_icmp_error(IcmpError::no_route, offender, source, kMtu, small));
    CHECK(small == std::vector<std::uint8_t>(size - 1, 0xee));
  }
}
