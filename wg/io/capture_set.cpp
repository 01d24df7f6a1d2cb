#include "wg/io/capture_set.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/system.h"

namespace starling::wg {
namespace {

// Until the file is complete the reader may end it; after that, and in between, only room to write matters.
std::uint32_t events_of(const Capture& capture) {
  std::uint32_t events = 0;
  if (!capture.is_ending()) events |= EPOLLIN | EPOLLRDHUP;
  if (capture.has_unsent()) events |= EPOLLOUT;
  return events;
}

// What is left unread when we close would make the reader's last reads fail (unix(7)).
void discard_input(int fd) {
  std::array<char, 4096> words;
  (void)::recv(fd, words.data(), words.size(), MSG_DONTWAIT);
}

}  // namespace

CaptureSet::CaptureSet() : epoll_(checked_descriptor(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

// The engine ends: the files are completed as far as the sockets take it without waiting.
CaptureSet::~CaptureSet() {
  for (const Running& running : captures_) {
    running.capture->end(system_now().wall);
    running.capture->flush();
  }
}

std::optional<Error> CaptureSet::start(FileDescriptor stream, const CaptureOptions& options,
                                       const std::string& interface) {
  if (captures_.size() == kCapturesMax) {
    return Error{
        fmt::format("{} captures of {} run already, which is the most; end one of them", kCapturesMax, interface)};
  }
  auto capture = std::make_unique<Capture>(std::move(stream), options, interface, system_now().wall);
  Running running{std::move(capture), 0};
  running.capture->flush();
  epoll_event event{};
  event.events = running.awaited = events_of(*running.capture);
  event.data.fd = running.capture->fd();
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event.data.fd, &event) < 0) {
    return Error{fmt::format("cannot capture into this connection: {}", std::strerror(errno))};
  }
  captures_.push_back(std::move(running));
  return std::nullopt;
}

void CaptureSet::add(const CapturedPacket& packet) {
  const WallTime at = system_now().wall;  // not the turn's: packets of a batch have times of their own
  for (const Running& running : captures_) running.capture->add(at, packet);
}

void CaptureSet::on_ready() {
  std::array<epoll_event, kCapturesMax> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    for (Running& running : captures_) {
      if (running.capture->fd() != event.data.fd) continue;
      if ((event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        discard_input(running.capture->fd());
        running.capture->end(system_now().wall);
      }
      running.capture->flush();
      attend(running);
    }
  }
  remove_finished();
}

void CaptureSet::flush() {
  if (!is_active()) return;
  for (Running& running : captures_) {
    // Whoever is behind is told of by the kernel when there is room; asking each turn would cost a call each turn.
    if ((running.awaited & EPOLLOUT) == 0) running.capture->flush();
    attend(running);
  }
  remove_finished();
}

void CaptureSet::attend(Running& running) {
  epoll_event event{};
  event.events = events_of(*running.capture);
  event.data.fd = running.capture->fd();
  if (event.events == running.awaited) return;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, event.data.fd, &event);
  running.awaited = event.events;
}

void CaptureSet::remove_finished() {
  std::erase_if(captures_, [this](const Running& running) {
    if (!running.capture->is_finished()) return false;
    // Closing is not enough while whoever handed it over still has it open too.
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, running.capture->fd(), nullptr);
    return true;
  });
}

}  // namespace starling::wg
