#include "wg/io/notification_queue.h"

#include <sys/eventfd.h>

namespace starling::wg {
namespace {

struct Delivery {
  Now at;
  BackendObserver& observer;

  void operator()(const ControlNotification& n) const { observer.on_control_packet(at, n.peer, n.payload); }
  void operator()(const SessionNotification& n) const { observer.on_session(at, n.peer, n.as_initiator); }
  void operator()(const EndpointNotification& n) const { observer.on_endpoint(at, n.peer, n.endpoint); }
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
  waiting_.push_back(std::move(notification));
  if (waiting_.size() == 1) (void)::eventfd_write(event_.get(), 1);
  return true;
}

std::vector<Notification> NotificationQueue::take() {
  std::vector<Notification> taken;
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  (void)::eventfd_read(event_.get(), &count);
  taken.swap(waiting_);
  control_.clear();
  return taken;
}

void deliver(const Notification& notification, BackendObserver& observer) {
  std::visit(Delivery{notification.at, observer}, notification.what);
}

}  // namespace starling::wg
