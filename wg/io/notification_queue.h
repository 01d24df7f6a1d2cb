// What the engine's thread tells its owner: a bounded queue with an eventfd that polls readable while there is
// something in it. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/time.h"
#include "wg/drop_reason.h"
#include "wg/io/backend.h"
#include "wg/tables.h"

namespace starling::wg {

struct ControlNotification {
  PeerId peer;
  std::vector<std::uint8_t> payload;
};
struct SessionNotification {
  PeerId peer;
  bool as_initiator;
};
struct EndpointNotification {
  PeerId peer;
  Endpoint endpoint;
};
struct DropNotification {
  PeerId peer;
  DropReason reason;
  std::uint64_t count;
  std::optional<IpAddress> source;
};
struct FatalNotification {
  std::string what;
};

struct Notification {
  Now at;
  std::variant<ControlNotification, SessionNotification, EndpointNotification, DropNotification, FatalNotification>
      what;
};

class NotificationQueue {
 public:
  // An owner that falls this far behind loses what comes; the end of the engine is told in any case.
  static constexpr std::size_t kLimit = 8192;

  NotificationQueue();  // std::system_error if the kernel gives no eventfd

  int fd() const { return event_.get(); }
  // False if the queue is full and the notification was lost.
  bool push(Notification notification);
  // Everything that waits, in order; fd() is not readable afterwards.
  std::vector<Notification> take();

 private:
  FileDescriptor event_;
  std::mutex mutex_;
  std::vector<Notification> waiting_;
};

void deliver(const Notification& notification, BackendObserver& observer);

}  // namespace starling::wg
