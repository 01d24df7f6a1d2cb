#include "wg/io/notification_queue.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

namespace starling::wg {
namespace {

constexpr std::size_t kKept = 64;  // whose memory is not given back: as many as a quiet node has waiting

struct Delivery {
  Now at;
  BackendObserver& observer;

  void operator()(const ControlNotification& n) const { observer.on_control_packet(at, n.peer, n.payload); }
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

bool NotificationQueue::take_room(const Notification& notification) {
  if (std::holds_alternative<FatalNotification>(notification.what)) return true;
  if (waiting_.size() >= kLimit) return false;
  const auto* const control = std::get_if<ControlNotification>(&notification.what);
  if (control == nullptr) return true;
  ControlLoad& load = control_[control->peer];
  if (load.packets >= kControlLimit || load.bytes + control->payload.size() > kControlBytesLimit) return false;
  ++load.packets;
  load.bytes += control->payload.size();
  return true;
}

bool NotificationQueue::push(Notification notification) {
  const std::lock_guard lock(mutex_);
  if (!take_room(notification)) return false;
  const auto* const control = std::get_if<ControlNotification>(&notification.what);
  const bool patient = control != nullptr && control->can_wait;
  if (patient) waiting_until_ = std::min(waiting_until_, notification.at.monotonic + kControlWaitMax);
  waiting_.push_back(std::move(notification));
  if (!patient) signal();
  return true;
}

void NotificationQueue::wake_if_due(Time now) {
  if (waiting_until_ > now) return;
  const std::lock_guard lock(mutex_);
  waiting_until_ = kNever;
  if (!waiting_.empty()) signal();
}

void NotificationQueue::signal() {
  if (!signalled_) (void)::eventfd_write(event_.get(), 1);
  signalled_ = true;
}

void NotificationQueue::take(std::vector<Notification>& taken) {
  if (taken.capacity() > kKept) taken = {};
  taken.clear();
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  if (std::exchange(signalled_, false)) (void)::eventfd_read(event_.get(), &count);
  taken.swap(waiting_);
  if (control_.size() > kKept) control_.clear();
  for (auto& [peer, load] : control_) load = {};
}

void deliver(const Notification& notification, BackendObserver& observer) {
  std::visit(Delivery{notification.at, observer}, notification.what);
}

}  // namespace starling::wg
