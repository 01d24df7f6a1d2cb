#include "wg/io/uapi_connection.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace starling::wg {
namespace {

constexpr std::size_t kInputSize = 65536;     // bytes read at once
constexpr std::size_t kOutputEnough = 65536;  // bytes; further requests wait until these are sent
constexpr int kRequestsAtOnce = 64;           // before others have their turn
constexpr std::size_t kRoomForEnd = 32;       // bytes of `errno=…` behind an answer

void wipe(std::string& text) {
  ::explicit_bzero(text.data(), text.size());
}

// What could not be looked up without a system call. False: there is no such interface.
bool look_up_zones(UapiChange& change) {
  for (UapiPeerChange& peer : change.peers) {
    if (!peer.endpoint || peer.endpoint_zone.empty()) continue;
    peer.endpoint->scope = ::if_nametoindex(peer.endpoint_zone.c_str());
    if (peer.endpoint->scope == 0) return false;
  }
  return true;
}

}  // namespace

UapiConnection::UapiConnection(Time now, FileDescriptor socket) : socket_(std::move(socket)), active_(now) {}

UapiConnection::~UapiConnection() {
  if (!input_.empty()) ::explicit_bzero(input_.data(), input_.size());
  drop_output();
}

bool UapiConnection::finished() const {
  return broken_ || (closing_ && output_.empty() && !has_input());
}

bool UapiConnection::wants_to_write() const {
  return !output_.empty() || has_input();
}

std::optional<Time> UapiConnection::deadline() const {
  if (!output_.empty()) return active_ + kUapiAnswerTime;
  if (begun_) return *begun_ + kUapiRequestTime;
  return std::nullopt;
}

bool UapiConnection::idle_since(Time moment) const {
  return !wants_to_write() && !begun_ && active_ <= moment;
}

bool UapiConnection::work(Time now, UapiTarget& target) {
  flush(now);
  if (!output_.empty() || broken_) return false;
  if (!has_input()) {
    receive();
    active_ = now;
  }
  const bool changed = carry_out(target);
  if (!parser_.within_request())
    begun_.reset();
  else if (!begun_)
    begun_ = now;
  return changed;
}

void UapiConnection::receive() {
  input_.resize(kInputSize);
  const ssize_t got = ::recv(socket_.get(), input_.data(), input_.size(), MSG_DONTWAIT);
  if (got < 0) {
    broken_ = errno != EAGAIN && errno != EINTR;
    return;
  }
  if (got == 0) closing_ = true;
  input_begin_ = 0;
  input_end_ = static_cast<std::size_t>(got);
}

bool UapiConnection::carry_out(UapiTarget& target) {
  bool changed = false;
  for (int i = 0; i < kRequestsAtOnce && has_input() && output_.size() < kOutputEnough; ++i) {
    const std::string_view rest(input_.data() + input_begin_, input_end_ - input_begin_);
    input_begin_ += parser_.feed(rest);
    if (!parser_.complete()) break;
    changed |= answer(parser_.take(), target);
  }
  if (!has_input()) ::explicit_bzero(input_.data(), input_end_);
  return changed;
}

// Whoever takes the socket over is the only one who writes to it, so nothing of ours may be on its way.
void UapiConnection::hand_over_to_capture(UapiRequest& request, UapiTarget& target) {
  FileDescriptor stream(::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0));
  if (!output_.empty()) {
    request.error = EBUSY;
    request.reason = "a capture needs a connection on which no answer is under way";
  } else if (!stream) {
    request.error = errno;
    request.reason = "the connection cannot be handed over";
  } else {
    request.capture.greeting = print_end(0);
    request.error = target.start_capture(std::move(stream), request.capture);
  }
  if (request.error != 0) return;
  input_begin_ = input_end_;
  closing_ = true;  // only our side of it
}

bool UapiConnection::answer(UapiRequest request, UapiTarget& target) {
  bool changed = false;
  if (request.error == 0 && request.operation == UapiOperation::capture) {
    hand_over_to_capture(request, target);
    if (request.error == 0) return false;
  }
  if (request.error == 0 && request.operation == UapiOperation::set) {
    if (look_up_zones(request.change)) {
      request.error = target.apply(request.change);
      changed = true;
    } else {
      request.error = EINVAL;
      request.reason = "endpoint: its zone is no interface here";
    }
  } else if (request.error == 0) {
    append(request.operation == UapiOperation::get ? print_device(target.read()) : print_drops(target.drops()));
  }
  append(print_end(request.error));
  if (request.error != 0) target.on_refused(request.error, request.reason);
  if (request.broken) {
    input_begin_ = input_end_;
    closing_ = true;
  }
  return changed;
}

void UapiConnection::refuse(int error) {
  input_begin_ = input_end_;
  append(print_end(error));
  closing_ = true;
}

// Leaves no copy behind: neither of the text nor of what stood in the way of a growing string.
void UapiConnection::append(std::string text) {
  if (output_.size() + text.size() > output_.capacity()) {
    std::string larger;
    larger.reserve(output_.size() + text.size() + kRoomForEnd);
    larger = output_;
    wipe(output_);
    output_.swap(larger);
  }
  output_ += text;
  wipe(text);
}

void UapiConnection::flush(Time now) {
  while (sent_ < output_.size()) {
    const ssize_t sent =
        ::send(socket_.get(), output_.data() + sent_, output_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) broken_ = true;
      return;
    }
    sent_ += static_cast<std::size_t>(sent);
    active_ = now;
  }
  drop_output();
}

// It may hold keys.
void UapiConnection::drop_output() {
  wipe(output_);
  output_ = {};
  sent_ = 0;
}

}  // namespace starling::wg
