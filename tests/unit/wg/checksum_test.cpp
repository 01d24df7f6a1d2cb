// The internet checksum against the examples of its RFCs and against the slow way.
#include "wg/protocol/checksum.h"

#include <vector>

#include "base/random.h"
#include "doctest/doctest.h"
#include "tests/packets.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::test;

namespace {

std::uint16_t sum_of(Bytes bytes) {
  InternetSum sum;
  sum.add(bytes);
  return sum.value();
}

template <std::size_t size>
void check_fixed_size(SeededRandom& random) {
  std::array<std::uint8_t, size> bytes;
  for (int i = 0; i < 100; i++) {
    random.fill(bytes);
    if (i % 4 == 0) bytes.fill(0xff);
    InternetSum sum;
    sum.add(std::span<const std::uint8_t, size>(bytes));
    CAPTURE(size);
    REQUIRE(sum.value() == slow_sum(bytes));
  }
}

}  // namespace

TEST_CASE("the example of RFC 1071 §3 sums to ddf2") {
  const std::vector<std::uint8_t> bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK(sum_of(bytes) == 0xddf2);
  InternetSum sum;
  sum.add(Bytes(bytes));
  CHECK(sum.checksum() == 0x220d);
}

TEST_CASE("a header whose checksum is known sums to it without, and to all ones with it") {
  // A UDP packet's header from 192.168.0.1 to 192.168.0.199.
  std::vector<std::uint8_t> header{0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                   0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  CHECK(sum_of(header) == 0xffff);
  header[10] = header[11] = 0;
  InternetSum sum;
  sum.add(Bytes(header));
  CHECK(sum.checksum() == 0xb861);
}

TEST_CASE("nothing sums to zero, and all ones stay all ones") {
  CHECK(sum_of({}) == 0);
  CHECK(sum_of(std::vector<std::uint8_t>(1500, 0)) == 0);
  CHECK(sum_of(std::vector<std::uint8_t>(1500, 0xff)) == 0xffff);
  CHECK(sum_of(std::vector<std::uint8_t>(65534, 0xff)) == 0xffff);
}

TEST_CASE("any bytes of any size at any place sum as they do word by word") {
  SeededRandom random(1);
  std::vector<std::uint8_t> bytes(2048);
  for (int i = 0; i < 20'000; i++) {
    random.fill(bytes);
    // Full words bring the most carries.
    if (i % 3 == 0) std::fill_n(bytes.begin() + static_cast<long>(random.below(1024)), 1024, std::uint8_t{0xff});
    const std::size_t at = random.below(16);
    const std::size_t size = random.below(i % 2 == 0 ? 100 : 2000);
    CAPTURE(at);
    CAPTURE(size);
    const Bytes part = Bytes(bytes).subspan(at, size);
    REQUIRE(sum_of(part) == slow_sum(part));
  }
}

TEST_CASE("a header whose size is known when compiled sums as any other") {
  SeededRandom random(2);
  check_fixed_size<1>(random);
  check_fixed_size<2>(random);
  check_fixed_size<3>(random);
  check_fixed_size<4>(random);
  check_fixed_size<7>(random);
  check_fixed_size<8>(random);
  check_fixed_size<20>(random);
  check_fixed_size<39>(random);
  check_fixed_size<40>(random);
  check_fixed_size<46>(random);
}

TEST_CASE("parts of even size and numbers add up to the sum of the whole") {
  SeededRandom random(3);
  for (int i = 0; i < 2'000; i++) {
    std::vector<std::uint8_t> bytes(2 + random.below(600));
    random.fill(bytes);
    const std::size_t first = 2 * random.below(bytes.size() / 2);
    InternetSum sum;
    sum.add(Bytes(bytes).first(first));
    sum.add_u16(static_cast<std::uint16_t>(get_u16(bytes, first)));
    sum.add(Bytes(bytes).subspan(first + 2));
    REQUIRE(sum.value() == slow_sum(bytes));
  }
}

TEST_CASE("a UDP checksum is never zero, for zero means none") {
  InternetSum sum;
  sum.add_u16(0xffff);
  CHECK(sum.checksum() == 0);
  CHECK(sum.udp_checksum() == 0xffff);
  sum.add_u16(1);
  CHECK(sum.udp_checksum() == sum.checksum());
}

TEST_CASE("the example of RFC 1624 §4 comes out as zero, not as all ones") {
  CHECK(update_checksum(0xdd2f, 0x5555, 0x3285) == 0x0000);
}

TEST_CASE("a checksum updated for one word is what summing anew gives") {
  SeededRandom random(4);
  for (int i = 0; i < 50'000; i++) {
    std::vector<std::uint8_t> header(20);
    random.fill(header);
    if (i % 5 == 0) header.assign(20, 0);
    header[0] = 0x45;
    repair_header_checksum(header);
    const std::size_t at = std::vector<std::size_t>{0, 2, 4, 6, 8, 12, 14, 16, 18}[random.below(9)];
    const auto before = static_cast<std::uint16_t>(get_u16(header, at));
    auto after = static_cast<std::uint16_t>(random.below(3) == 0 ? random.below(2) * 0xffff : random.u32() & 0xffff);
    if (at == 0) after = static_cast<std::uint16_t>(0x4500 | (after & 0xff));
    const auto updated = update_checksum(static_cast<std::uint16_t>(get_u16(header, 10)), before, after);
    put_u16(header, at, after);
    put_u16(header, 10, updated);
    REQUIRE(slow_sum(header) == 0xffff);
    repair_header_checksum(header);
    REQUIRE(get_u16(header, 10) == updated);
  }
}

TEST_CASE("the pseudo headers of both families make known packets right") {
  for (const auto& fields : {between("192.0.2.1", "198.51.100.77"), between("2001:db8::1", "fd00:1:2::9")}) {
    for (const std::size_t size : std::vector<std::size_t>{0, 1, 2, 33, 1372, 60'000}) {
      const auto packet = make_udp(fields, 1000, 2000, std::vector<std::uint8_t>(size, 0xa7));
      const bool v4 = is_ipv4(packet);
      const Bytes addresses = v4 ? Bytes(packet).subspan(12, 8) : Bytes(packet).subspan(8, 32);
      const Bytes datagram = Bytes(packet).subspan(v4 ? 20 : 40);
      InternetSum sum = pseudo_header_sum(addresses, kUdp, static_cast<std::uint32_t>(datagram.size()));
      sum.add(datagram);
      CAPTURE(size);
      CHECK(sum.value() == 0xffff);
    }
  }
}
