#include "base/bytes.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

using namespace starling;

TEST_CASE("what a ByteWriter appends, a ByteReader reads back in order") {
  std::vector<std::uint8_t> out;
  ByteWriter writer(out);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  writer.u32_le(0x11223344);
  writer.u64_le(0x1122334455667788);
  CHECK(out[1] == 0x02);   // big-endian
  CHECK(out[15] == 0x44);  // little-endian

  ByteReader reader(out);
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
  CHECK(reader.u32_le() == 0x11223344);
  CHECK(reader.u64_le() == 0x1122334455667788);
  CHECK(reader.remaining() == 0);
  CHECK_FALSE(reader.failed());
}

TEST_CASE("a ByteReader that runs short fails, yields zeros and stays failed") {
  const std::array<std::uint8_t, 3> bytes{0xff, 0xff, 0xff};
  ByteReader reader{Bytes(bytes)};
  CHECK(reader.u16() == 0xffff);
  CHECK(reader.u32() == 0);
  CHECK(reader.failed());
  CHECK(reader.u8() == 0);  // the one byte left is not handed out after a failure
  CHECK(reader.take(0).empty());
  CHECK(reader.failed());
}

TEST_CASE("copy_to leaves the target alone when the input is short") {
  const std::array<std::uint8_t, 3> bytes{1, 2, 3};
  std::array<std::uint8_t, 4> target{9, 9, 9, 9};
  ByteReader reader{Bytes(bytes)};
  reader.copy_to(target);
  CHECK(reader.failed());
  CHECK(target == std::array<std::uint8_t, 4>{9, 9, 9, 9});
}

TEST_CASE("patch_u16 overwrites a length written before") {
  std::vector<std::uint8_t> out;
  ByteWriter writer(out);
  writer.u16(0);
  writer.u8(7);
  writer.patch_u16(0, 0x0102);
  CHECK(out == std::vector<std::uint8_t>{1, 2, 7});
}
