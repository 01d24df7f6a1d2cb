#include "wg/io/notification_queue.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

namespace starling::wg {
namespace {

// What a quiet node has waiting, at most: memory for more is given back.
constexpr std::size_t kKept = 64;
constexpr std::size_t kPayloadsKept = kKept * 128;  // bytes

struct Delivery {
  Now at;
  Bytes payloads;
  BackendObserver& observer;

  void operator()(const ControlNotification& n) const {
    observer.on_control_packet(at, n.peer, payloads.subspan(n.payload_at, n.payload_size));
  }
  void operator()(const QuietNotification& n) const { observer.on_quiet(at, n.peer); }
  void operator()(const HeardNotification& n) const { observer.on_heard(at, n.peer); }
  void operator()(const SessionNotification& n) const { observer.on_session(at, n.peer, n.as_initiator); }
  void operator()(const EndpointNotification& n) const { observer.on_endpoint(at, n.peer, n.endpoint); }
  void operator()(const UnreachableNotification& n) const { observer.on_unreachable(at, n.peer, n.what); }
  void operator()(const DropReport& report) const { observer.on_drop(at, report); }
  void operator()(const WarningNotification& n) const { observer.on_warning(at, n.what); }
  void operator()(const FatalNotification& n) const { observer.on_fatal(at, n.what); }
};

}  // namespace

NotificationQueue::NotificationQueue()
    : event_(checked_descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}

bool NotificationQueue::push(Notification notification) {
  const std::lock_guard lock(mutex_);
  if (waiting_.list.size() >= kLimit && !std::holds_alternative<FatalNotification>(notification.what)) return false;
  waiting_.list.push_back(std::move(notification));
  signal();
  return true;
}

bool NotificationQueue::take_room(PeerId peer, std::size_t size) {
  if (waiting_.list.size() >= kLimit) return false;
  if (peer >= control_.size()) control_.resize(peer + 1);
  ControlLoad& load = control_[peer];
  if (load.packets >= kControlLimit || load.bytes + size > kControlBytesLimit) return false;
  ++load.packets;
  load.bytes += size;
  return true;
}

bool NotificationQueue::push_control(Now at, PeerId peer, Bytes payload, bool can_wait) {
  const std::lock_guard lock(mutex_);
  if (!take_room(peer, payload.size())) return false;
  waiting_.list.push_back({at, ControlNotification{peer, waiting_.payloads.size(), payload.size(), can_wait}});
  waiting_.payloads.insert(waiting_.payloads.end(), payload.begin(), payload.end());
  if (can_wait)
    waiting_until_ = std::min(waiting_until_, at.monotonic + kControlWaitMax);
  else
    signal();
  return true;
}

void NotificationQueue::wake_if_due(Time now) {
  if (waiting_until_ > now) return;
  const std::lock_guard lock(mutex_);
  waiting_until_ = kNever;
  if (!waiting_.list.empty()) signal();
}

void NotificationQueue::signal() {
  if (!signalled_) (void)::eventfd_write(event_.get(), 1);
  signalled_ = true;
}

void NotificationQueue::take(Notifications& taken) {
  taken.clear();
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  if (std::exchange(signalled_, false)) (void)::eventfd_read(event_.get(), &count);
  std::swap(taken, waiting_);
  for (const Notification& one : taken.list) {
    if (const auto* const control = std::get_if<ControlNotification>(&one.what)) control_[control->peer] = {};
  }
}

void Notifications::clear() {
  if (list.capacity() > kKept) list = {};
  if (payloads.capacity() > kPayloadsKept) payloads = {};
  list.clear();
  payloads.clear();
}

void Notifications::deliver(BackendObserver& observer) const {
  for (const Notification& one : list) std::visit(Delivery{one.at, payloads, observer}, one.what);
}

}  // namespace starling::wg
