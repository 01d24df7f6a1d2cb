#include "daemon/cli/capture_file.h"

#include <doctest/doctest.h>

#include <vector>

#include "wg/io/pcapng.h"

using namespace starling;
using namespace starling::daemon;

namespace {

constexpr WallTime kAt{std::chrono::seconds(1'790'000'000)};

struct Sample {
  std::vector<std::uint8_t> bytes;
  wg::PcapngWriter writer{bytes};
  std::string text() const { return {bytes.begin(), bytes.end()}; }
};

std::string file_with(int packets, std::uint64_t dropped) {
  Sample sample;
  sample.writer.section("test");
  sample.writer.interface({"mesh0", "", 0});
  const std::vector<std::uint8_t> packet(101, 0x45);
  for (int i = 0; i < packets; ++i) {
    sample.writer.packet({0, kAt, wg::PacketDirection::inbound, packet, packet.size(), 0, "comment"});
  }
  sample.writer.statistics({0, kAt, kAt, packets + dropped, dropped});
  return sample.text();
}

}  // namespace

TEST_CASE("A capture is counted and handed on unchanged, however it is cut into pieces") {
  const std::string file = file_with(7, 3);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{100}, file.size()}) {
    CaptureFile capture;
    std::string handed_on;
    for (std::size_t at = 0; at < file.size(); at += piece) {
      const Result<std::string> blocks = capture.take(std::string_view(file).substr(at, piece));
      REQUIRE(blocks.ok());
      handed_on += *blocks;
      CHECK(capture.is_complete() == (at + piece >= file.size()));
    }
    CHECK(handed_on == file);
    CHECK(capture.packets() == 7);
    CHECK(capture.dropped() == 3);
  }
}

TEST_CASE("What was handed on of a capture that breaks off is whole blocks") {
  const std::string file = file_with(2, 0);
  for (std::size_t size = 0; size < file.size(); ++size) {
    CaptureFile capture;
    const Result<std::string> blocks = capture.take(file.substr(0, size));
    REQUIRE(blocks.ok());
    CHECK(file.starts_with(*blocks));
    CHECK_FALSE(capture.is_complete());
    CaptureFile again;
    REQUIRE(again.take(*blocks).ok());
    CHECK(again.packets() == capture.packets());
  }
}

TEST_CASE("What is no capture is refused, and never waited for") {
  const std::string file = file_with(1, 0);
  const std::string second_block = file.substr(static_cast<std::uint8_t>(file[4]));
  for (const std::string& wrong :
       {std::string("{\"ok\":false} and more"), second_block, file + file, std::string(12, '\0'),
        file.substr(0, 4) + std::string("\x0b\0\0\0", 4) + file.substr(8),  // a size that is too small
        file.substr(0, 4) + std::string("\xfc\xff\xff\x7f", 4) + file.substr(8)}) {
    CaptureFile capture;
    CHECK_FALSE(capture.take(wrong).ok());
  }
}

TEST_CASE("Statistics that lie about their options are read as far as they go") {
  std::string file = file_with(0, 9);
  const std::size_t options = file.rfind(std::string("\x05\0\0\0", 4)) + 20;
  for (std::size_t at = options; at < file.size() - 4; ++at) {
    std::string changed = file;
    changed[at] = '\x7f';
    CaptureFile capture;
    if (capture.take(changed).ok()) CHECK(capture.dropped().has_value());
  }
}
