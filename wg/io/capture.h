// One running capture: inner packets as a pcapng file (pcapng.h) into a stream socket, without ever waiting for its
// reader. What is written are whole blocks; a packet that finds no room in the bounded buffer is counted, and the file
// says so, at the next packet that did fit and in the statistics at its end. Engine's thread only.
//
// All peers share the one interface of the file: libpcap 1.10 takes a second one of link type RAW for an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "base/key.h"
#include "base/time.h"
#include "wg/drop_reason.h"
#include "wg/io/backend.h"
#include "wg/io/pcapng.h"

namespace starling::wg {

inline constexpr std::size_t kCaptureBufferSize = 4u << 20;  // bytes that wait for the reader, at most

// An inner packet on its way through the engine.
struct CapturedPacket {
  Bytes bytes;
  PacketDirection direction = PacketDirection::inbound;  // from the peer, or to it
  bool is_control = false;
  std::optional<DropReason> dropped;  // why it went no further
  const PublicKey* peer = nullptr;    // null: none owns it
};

class Capture {
 public:
  // `stream` is a connected stream socket.
  Capture(FileDescriptor stream, const CaptureOptions& options, const std::string& interface, WallTime begin);

  int fd() const { return stream_.get(); }

  void add(WallTime at, const CapturedPacket& packet);
  // Completes the file; nothing is added afterwards. What waits is still sent.
  void end(WallTime at);
  // Sends what the socket takes now.
  void flush();

  bool has_unsent() const { return sent_ < buffer_.size(); }
  bool is_ending() const { return ending_; }
  // All is sent, or nobody reads any more.
  bool is_finished() const { return broken_ || (ending_ && !has_unsent()); }

 private:
  bool is_wanted(const CapturedPacket& packet) const;
  std::string comment_on(const CapturedPacket& packet) const;
  bool has_room(std::size_t size) const;
  void discard_sent();

  FileDescriptor stream_;
  const CaptureOptions options_;
  const WallTime begin_;
  std::vector<std::uint8_t> buffer_;
  std::size_t sent_ = 0;  // bytes at the front of the buffer
  PcapngWriter writer_{buffer_};
  std::uint64_t packets_ = 0;      // in the file
  std::uint64_t lost_ = 0;         // that should be
  std::uint64_t lost_before_ = 0;  // of which since the last one that is
  bool ending_ = false;
  bool broken_ = false;
};

}  // namespace starling::wg
