// Blocks of a capture file as Wireshark, tshark and tcpdump read it, appended to a buffer, each whole. One section in
// little-endian order; all interfaces carry bare IP packets (LINKTYPE_RAW) and count time in nanoseconds since 1970.
// Pure: no file, no clock.
// Source: draft-ietf-opsawg-pcapng §3.5 (options), §4.1 to §4.3, §4.6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace starling::wg {

enum class PacketDirection : std::uint8_t { inbound = 1, outbound = 2 };  // as in epb_flags

struct PcapngInterface {
  std::string_view name;
  std::string_view description;   // empty: none
  std::uint32_t snap_length = 0;  // bytes; 0: whole packets
};

struct PcapngPacket {
  std::uint32_t interface = 0;  // in the order in which the interfaces were written
  WallTime at;
  PacketDirection direction = PacketDirection::inbound;
  Bytes captured;
  std::size_t original_size = 0;  // bytes; at least captured.size()
  std::uint64_t lost_before = 0;  // packets that did not get into the file since the one before
  std::string_view comment;       // empty: none
};

struct PcapngStatistics {
  std::uint32_t interface = 0;
  WallTime begin;
  WallTime end;
  std::uint64_t received = 0;  // packets that should be in the file
  std::uint64_t dropped = 0;   // of which are not
};

class PcapngWriter {
 public:
  explicit PcapngWriter(std::vector<std::uint8_t>& out) : out_(out) {}

  void section(std::string_view application);
  void interface(const PcapngInterface& interface);
  void packet(const PcapngPacket& packet);
  void statistics(const PcapngStatistics& statistics);

 private:
  std::size_t begin_block(std::uint32_t type);
  void end_block(std::size_t begin);
  void option(std::uint16_t code, Bytes value);
  void option(std::uint16_t code, std::string_view text);
  void option(std::uint16_t code, std::uint64_t value);
  void end_of_options();
  void timestamp(WallTime at);
  void padded(Bytes bytes);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);

  std::vector<std::uint8_t>& out_;
};

// At most so many bytes one packet's block takes beyond what it captured and its comment.
inline constexpr std::size_t kPcapngPacketOverhead = 72;

}  // namespace starling::wg
