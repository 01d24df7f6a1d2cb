#include "wg/io/capture.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <string>

#include "wg/io/capture_set.h"

using namespace starling;
using namespace starling::wg;

namespace {

constexpr WallTime kAt{std::chrono::seconds(1'790'000'000)};
constexpr std::uint32_t kInterface = 1, kStatistics = 5, kPacket = 6, kSection = 0x0a0d0d0a;

struct Pair {
  FileDescriptor ours, readers;
};

Pair socket_pair() {
  std::array<int, 2> fds{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

// What waits, and whether the other side has closed.
std::string read_all(const FileDescriptor& fd, bool& closed) {
  std::string all;
  std::array<char, 65536> chunk;
  while (true) {
    const ssize_t size = ::recv(fd.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    closed = size == 0;
    if (size <= 0) return all;
    all.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

std::uint32_t u32_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

struct Blocks {
  std::map<std::uint32_t, int> count;       // by type
  std::vector<std::string> packets;         // what was captured
  std::uint64_t received = 0, dropped = 0;  // by the statistics
  std::size_t rest = 0;                     // bytes that are no whole block
};

std::uint64_t statistic(const std::string& block, std::size_t at) {
  return u32_at(block, at) | std::uint64_t{u32_at(block, at + 4)} << 32;
}

Blocks blocks_of(std::string file) {
  Blocks blocks;
  while (file.size() >= 12 && u32_at(file, 4) <= file.size()) {
    const std::string block = file.substr(0, u32_at(file, 4));
    file.erase(0, block.size());
    REQUIRE(u32_at(block, block.size() - 4) == block.size());
    const std::uint32_t type = u32_at(block, 0);
    ++blocks.count[type];
    if (type == kPacket) blocks.packets.push_back(block.substr(28, u32_at(block, 20)));
    if (type == kStatistics) {
      blocks.received += statistic(block, 48);
      blocks.dropped += statistic(block, 60);
    }
  }
  blocks.rest = file.size();
  return blocks;
}

struct Inner {
  std::string text;
  PeerId peer = 0;
  bool is_control = false;
  std::optional<DropReason> dropped = std::nullopt;
};

template <typename Sink>
void add(Sink& sink, const Inner& inner) {
  PublicKey key;
  key.bytes.fill(static_cast<std::uint8_t>(inner.peer + 1));
  CapturedPacket packet;
  packet.bytes = Bytes(reinterpret_cast<const std::uint8_t*>(inner.text.data()), inner.text.size());
  packet.is_control = inner.is_control;
  packet.dropped = inner.dropped;
  packet.peer = inner.peer == kNoPeer ? nullptr : &key;
  if constexpr (std::is_same_v<Sink, Capture>) {
    sink.add(kAt, packet);
  } else {
    sink.add(packet);
  }
}

// All that a capture with these options makes of these packets.
std::string file_of(const CaptureOptions& options, const std::vector<Inner>& packets) {
  Pair pair = socket_pair();
  Capture capture(std::move(pair.ours), options, "mesh0", kAt);
  for (const Inner& packet : packets) add(capture, packet);
  capture.end(kAt);
  capture.flush();
  CHECK(capture.is_finished());
  bool closed = false;
  return read_all(pair.readers, closed);
}

}  // namespace

TEST_CASE("a capture without packets is a complete file that names its interface") {
  const std::string file = file_of({}, {});
  const Blocks blocks = blocks_of(file);
  CHECK(blocks.count == std::map<std::uint32_t, int>{{kSection, 1}, {kInterface, 1}, {kStatistics, 1}});
  CHECK(blocks.rest == 0);
  CHECK(file.find("mesh0") != std::string::npos);
}

TEST_CASE("all peers share the interface, and their keys are comments if asked for") {
  const std::vector<Inner> packets{{"one", 0}, {"two", 5}, {"three", kNoPeer}};
  const std::string plain = file_of({}, packets);
  const Blocks blocks = blocks_of(plain);
  CHECK(blocks.count == std::map<std::uint32_t, int>{{kSection, 1}, {kInterface, 1}, {kPacket, 3}, {kStatistics, 1}});
  CHECK(blocks.packets == std::vector<std::string>{"one", "two", "three"});
  CHECK(blocks.received == 3);
  CHECK(blocks.dropped == 0);
  CHECK(plain.find("peer ") == std::string::npos);
  CaptureOptions options;
  options.peers = true;
  const std::string named = file_of(options, packets);
  CHECK(named.find("peer AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=") != std::string::npos);
  CHECK(named.find("peer BgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY=") != std::string::npos);
  CHECK(named.find("no peer") != std::string::npos);
}

TEST_CASE("the greeting goes ahead of the file") {
  CaptureOptions options;
  options.greeting = "ok\n";
  CHECK(file_of(options, {}).starts_with(std::string("ok\n\x0a\x0d\x0d\x0a")));
}

TEST_CASE("only control packets, if so asked") {
  CaptureOptions options;
  options.control_only = true;
  const Blocks blocks = blocks_of(file_of(options, {{"data", 0}, {"hello", 0, true}, {"data", 1}}));
  CHECK(blocks.packets == std::vector<std::string>{"hello"});
  CHECK(blocks.received == 1);
}

TEST_CASE("packets that went no further are there only if asked for, with the reason") {
  const std::vector<Inner> packets{{"good", 0}, {"bad", kNoPeer, false, DropReason::egress_no_route}};
  CHECK(blocks_of(file_of({}, packets)).packets == std::vector<std::string>{"good"});
  CaptureOptions options;
  options.dropped = true;
  const std::string file = file_of(options, packets);
  CHECK(blocks_of(file).packets == std::vector<std::string>{"good", "bad"});
  CHECK(file.find("dropped: egress_no_route") != std::string::npos);
}

TEST_CASE("packets are cut to the snap length and keep their size") {
  CaptureOptions options;
  options.snap_length = 4;
  const std::string file = file_of(options, {{"0123456789", 0}});
  CHECK(blocks_of(file).packets == std::vector<std::string>{"0123"});
  CHECK(file.find(std::string("\x04\0\0\0\x0a\0\0\0", 8)) != std::string::npos);
}

TEST_CASE("a capture ends by itself after so many packets") {
  Pair pair = socket_pair();
  CaptureOptions options;
  options.packets_max = 2;
  Capture capture(std::move(pair.ours), options, "mesh0", kAt);
  for (const char* text : {"one", "two", "three"}) add(capture, {text});
  capture.flush();
  CHECK(capture.is_finished());
  bool closed = false;
  const Blocks blocks = blocks_of(read_all(pair.readers, closed));
  CHECK(blocks.packets == std::vector<std::string>{"one", "two"});
  CHECK(blocks.count.at(kStatistics) == 1);
}

TEST_CASE("a reader that does not read costs bounded memory, and every packet that was lost is counted") {
  Pair pair = socket_pair();
  Capture capture(std::move(pair.ours), {}, "mesh0", kAt);
  constexpr int kPackets = 8000;
  const std::string packet(1400, 'x');
  for (int i = 0; i < kPackets; ++i) {
    add(capture, {packet, static_cast<PeerId>(i % 3)});
    capture.flush();
  }
  CHECK(capture.has_unsent());
  capture.end(kAt);
  std::string file;
  bool closed = false;
  while (!capture.is_finished()) {
    file += read_all(pair.readers, closed);
    capture.flush();
  }
  file += read_all(pair.readers, closed);
  CHECK(file.size() > kCaptureBufferSize);
  CHECK(file.size() < kCaptureBufferSize + (2u << 20));  // and what the socket holds
  const Blocks blocks = blocks_of(file);
  CHECK(blocks.rest == 0);
  CHECK(blocks.received == kPackets);
  CHECK(blocks.dropped > 0);
  CHECK(blocks.packets.size() + blocks.dropped == kPackets);
}

TEST_CASE("once there is room again packets are taken, and the first says how many are missing") {
  Pair pair = socket_pair();
  Capture capture(std::move(pair.ours), {}, "mesh0", kAt);
  const std::string packet(60'000, 'x');
  for (int i = 0; i < 200; ++i) add(capture, {packet});
  bool closed = false;
  std::string file;
  while (capture.has_unsent()) {
    capture.flush();
    file += read_all(pair.readers, closed);
  }
  const std::size_t taken = blocks_of(file).packets.size();
  REQUIRE(taken < 200);
  add(capture, {"late"});
  capture.flush();
  file = read_all(pair.readers, closed);
  CHECK(blocks_of(file).packets == std::vector<std::string>{"late"});
  const std::string lost{static_cast<char>(200 - taken), 0, 0, 0, 0, 0, 0, 0};
  CHECK(file.find(std::string("\x04\0\x08\0", 4) + lost) != std::string::npos);
}

TEST_CASE("a reader that is gone ends its capture without a packet, and no other") {
  CaptureSet captures;
  Pair first = socket_pair();
  Pair second = socket_pair();
  REQUIRE(!captures.start(std::move(first.ours), {}, "mesh0"));
  REQUIRE(!captures.start(std::move(second.ours), {}, "mesh0"));
  first.readers.reset();
  pollfd ready{captures.fd(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 1000) == 1);
  captures.on_ready();
  CHECK(captures.is_active());
  add(captures, {"still"});
  captures.flush();
  bool closed = false;
  CHECK(blocks_of(read_all(second.readers, closed)).packets == std::vector<std::string>{"still"});
  second.readers.reset();
  captures.on_ready();
  CHECK(!captures.is_active());
  CHECK(::poll(&ready, 1, 0) == 0);
}

TEST_CASE("a reader that ends its sending side gets a complete file") {
  CaptureSet captures;
  Pair pair = socket_pair();
  REQUIRE(!captures.start(std::move(pair.ours), {}, "mesh0"));
  add(captures, {"packet"});
  REQUIRE(::shutdown(pair.readers.get(), SHUT_WR) == 0);
  captures.on_ready();
  CHECK(!captures.is_active());
  bool closed = false;
  const Blocks blocks = blocks_of(read_all(pair.readers, closed));
  CHECK(closed);
  CHECK(blocks.packets == std::vector<std::string>{"packet"});
  CHECK(blocks.count.at(kStatistics) == 1);
}

TEST_CASE("a reader that says something gets a complete file too") {
  CaptureSet captures;
  Pair pair = socket_pair();
  REQUIRE(!captures.start(std::move(pair.ours), {}, "mesh0"));
  REQUIRE(::send(pair.readers.get(), "what?", 5, MSG_NOSIGNAL) == 5);
  captures.on_ready();
  CHECK(!captures.is_active());
  bool closed = false;
  CHECK(blocks_of(read_all(pair.readers, closed)).count.at(kStatistics) == 1);
  CHECK(closed);
}

TEST_CASE("there is a most of captures, and room again when one ends") {
  CaptureSet captures;
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < kCapturesMax; ++i) {
    pairs.push_back(socket_pair());
    CHECK(!captures.start(std::move(pairs.back().ours), {}, "mesh0"));
  }
  Pair extra = socket_pair();
  const std::optional<Error> error = captures.start(std::move(extra.ours), {}, "mesh0");
  REQUIRE(error);
  CHECK(error->message.find("mesh0") != std::string::npos);
  pairs.pop_back();
  captures.on_ready();
  extra = socket_pair();
  CHECK(!captures.start(std::move(extra.ours), {}, "mesh0"));
}

TEST_CASE("when the engine ends, a reader that keeps up has a complete file") {
  Pair pair = socket_pair();
  {
    CaptureSet captures;
    REQUIRE(!captures.start(std::move(pair.ours), {}, "mesh0"));
    add(captures, {"last"});
  }
  bool closed = false;
  const Blocks blocks = blocks_of(read_all(pair.readers, closed));
  CHECK(closed);
  CHECK(blocks.packets == std::vector<std::string>{"last"});
  CHECK(blocks.count.at(kStatistics) == 1);
}
