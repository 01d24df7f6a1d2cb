#include "wg/io/capture.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace starling::wg {
Capture::Capture(FileDescriptor stream, const CaptureOptions& options, const std::string& interface, WallTime begin)
    : stream_(std::move(stream)), options_(options), begin_(begin) {
  buffer_.assign(options.greeting.begin(), options.greeting.end());
  writer_.section("Starling");
  writer_.interface({interface, "inside the tunnels", options.snap_length});
}

bool Capture::is_wanted(const CapturedPacket& packet) const {
  if (ending_ || broken_) return false;
  return (packet.is_control || !options_.control_only) && (!packet.dropped || options_.dropped);
}

std::string Capture::comment_on(const CapturedPacket& packet) const {
  std::string comment;
  if (options_.peers) comment = packet.peer == nullptr ? "no peer" : "peer " + to_base64(*packet.peer);
  if (packet.dropped)
    comment += (comment.empty() ? "dropped: " : ", dropped: ") + std::string(to_string(*packet.dropped));
  return comment;
}

void Capture::add(WallTime at, const CapturedPacket& packet) {
  if (!is_wanted(packet)) return;
  const std::size_t snap = options_.snap_length == 0 ? packet.bytes.size() : options_.snap_length;
  const Bytes captured = packet.bytes.first(std::min(packet.bytes.size(), snap));
  const std::string comment = comment_on(packet);
  if (!has_room(kPcapngPacketOverhead + captured.size() + comment.size())) {
    ++lost_;
    ++lost_before_;
    return;
  }
  writer_.packet({0, at, packet.direction, captured, packet.bytes.size(), lost_before_, comment});
  lost_before_ = 0;
  if (++packets_ == options_.packets_max) end(at);
}

void Capture::end(WallTime at) {
  if (std::exchange(ending_, true)) return;
  writer_.statistics({0, begin_, at, packets_ + lost_, lost_});
}

void Capture::flush() {
  while (has_unsent() && !broken_) {
    const ssize_t size =
        ::send(stream_.get(), buffer_.data() + sent_, buffer_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      broken_ = errno != EAGAIN;
      break;
    }
    sent_ += static_cast<std::size_t>(size);
  }
  discard_sent();
}

// What is sent goes when it is at least half, so that each byte moves at most once on average.
void Capture::discard_sent() {
  if (sent_ < buffer_.size() - sent_) return;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(sent_));
  sent_ = 0;
}

bool Capture::has_room(std::size_t size) const {
  return buffer_.size() - sent_ + size <= kCaptureBufferSize;
}

}  // namespace starling::wg
