#include "wg/io/capture.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace starling::wg {
namespace {

constexpr std::uint32_t kNoInterface = ~std::uint32_t{0};
constexpr std::size_t kInterfaceBlockMax = 256;  // bytes; the longest name with a key 124
constexpr std::size_t kCommentMax = 64;          // bytes

std::size_t slot_of(PeerId peer) {
  return peer == kNoPeer ? 0 : std::size_t{1} + peer;
}

}  // namespace

Capture::Capture(FileDescriptor stream, const CaptureOptions& options, std::string interface, WallTime begin)
    : stream_(std::move(stream)), options_(options), interface_name_(std::move(interface)), begin_(begin) {
  buffer_.assign(options.greeting.begin(), options.greeting.end());
  writer_.section("Starling");
  // There from the start, so that a file without packets names its interface too.
  add_interface({});
}

bool Capture::is_wanted(const CapturedPacket& packet) const {
  if (ending_ || broken_) return false;
  return (packet.is_control || !options_.control_only) && (!packet.dropped || options_.dropped);
}

void Capture::add(WallTime at, const CapturedPacket& packet) {
  if (!is_wanted(packet)) return;
  const std::optional<std::uint32_t> known = find_interface(packet.peer);
  const std::size_t snap = options_.snap_length == 0 ? packet.bytes.size() : options_.snap_length;
  const Bytes captured = packet.bytes.first(std::min(packet.bytes.size(), snap));
  const std::size_t size = kPcapngPacketOverhead + captured.size() + (packet.dropped ? kCommentMax : 0);
  if (!has_room(size + (known ? 0 : kInterfaceBlockMax))) {
    ++lost_before_;
    if (known) ++interfaces_[*known].received, ++interfaces_[*known].lost;
    if (!known) ++lost_of_nobody_;
    return;
  }
  const std::uint32_t interface = known ? *known : add_interface(packet);
  const std::string comment = packet.dropped ? std::string("dropped: ") + to_string(*packet.dropped) : std::string();
  writer_.packet({interface, at, packet.direction, captured, packet.bytes.size(), lost_before_, comment});
  ++interfaces_[interface].received;
  lost_before_ = 0;
  if (++packets_ == options_.packets_max) end(at);
}

void Capture::end(WallTime at) {
  if (std::exchange(ending_, true)) return;
  interfaces_[0].received += lost_of_nobody_;
  interfaces_[0].lost += lost_of_nobody_;
  for (std::uint32_t i = 0; i < interfaces_.size(); ++i) {
    writer_.statistics({i, begin_, at, interfaces_[i].received, interfaces_[i].lost});
  }
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

bool Capture::has_room(std::size_t size) {
  return buffer_.size() - sent_ + size <= kCaptureBufferSize;
}

std::optional<std::uint32_t> Capture::find_interface(PeerId peer) const {
  const std::size_t slot = slot_of(peer);
  if (slot >= interface_of_.size() || interface_of_[slot] == kNoInterface) return std::nullopt;
  return interface_of_[slot];
}

std::uint32_t Capture::add_interface(const CapturedPacket& packet) {
  const std::size_t slot = slot_of(packet.peer);
  if (slot >= interface_of_.size()) interface_of_.resize(slot + 1, kNoInterface);
  const auto number = static_cast<std::uint32_t>(interfaces_.size());
  interface_of_[slot] = number;
  interfaces_.emplace_back();
  writer_.interface(
      {interface_name_, packet.public_key ? "peer " + to_base64(*packet.public_key) : "no peer", options_.snap_length});
  return number;
}

}  // namespace starling::wg
