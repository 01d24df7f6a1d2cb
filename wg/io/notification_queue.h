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
#include "wg/unreachable.h"

namespace starling::wg {

struct ControlNotification {
  PeerId peer;
  std::size_t payload_at;  // in Notifications::payloads
  std::size_t payload_size;
  bool can_wait;  // for kControlWaitMax: the owner need not be woken
};
struct QuietNotification {
  PeerId peer;
};
struct HeardNotification {
  PeerId peer;
};
struct SessionNotification {
  PeerId peer;
  bool as_initiator;
};
struct EndpointNotification {
  PeerId peer;
  Endpoint endpoint;
};
struct UnreachableNotification {
  PeerId peer;
  Unreachable what;
};
struct WarningNotification {
  std::string what;
};
struct FatalNotification {
  std::string what;
};

struct Notification {
  Now at;
  std::variant<ControlNotification, QuietNotification, HeardNotification, SessionNotification, EndpointNotification,
               UnreachableNotification, DropReport, WarningNotification, FatalNotification>
      what;
};

// In order, with the payloads of all control packets one behind the other: two pieces of memory, which are used again.
struct Notifications {
  std::vector<Notification> list;
  std::vector<std::uint8_t> payloads;

  void clear();  // keeps as much memory as a quiet node needs
  void deliver(BackendObserver& observer) const;
};

class NotificationQueue {
 public:
  // An owner that falls this far behind loses what comes; the end of the engine is told in any case.
  static constexpr std::size_t kLimit = 8192;
  // Of these, and of memory, what the control packets of one peer may take: a peer that floods us must not make others'
  // Hellos go lost, or a bug of one node would cut off all.
  static constexpr std::size_t kControlLimit = 1024;           // packets
  static constexpr std::size_t kControlBytesLimit = 2u << 20;  // bytes of payload

  NotificationQueue();  // std::system_error if the kernel gives no eventfd

  int fd() const { return event_.get(); }
  // fd() becomes readable, at once or (what can wait) by wake_if_due. False if the queue, or the peer's part of it, is
  // full and the notification was lost.
  bool push(Notification notification);
  bool push_control(Now at, PeerId peer, Bytes payload, bool can_wait);
  // Everything that waits, in place of what `taken` held; fd() is not readable afterwards. Who hands in the same each
  // time gives its memory back to the queue.
  void take(Notifications& taken);

  // When the owner must be woken for what waits with patience; kNever: for nothing. Lags behind take(), which may make
  // the wake-up needless. Both are for the thread that pushes alone.
  Time waiting_until() const { return waiting_until_; }
  void wake_if_due(Time now);

 private:
  struct ControlLoad {
    std::size_t packets = 0;
    std::size_t bytes = 0;
  };

  bool take_room(PeerId peer, std::size_t size);  // false if there is none
  void signal();

  FileDescriptor event_;
  std::mutex mutex_;
  Notifications waiting_;
  bool signalled_ = false;  // fd() is readable
  Time waiting_until_ = kNever;
  std::vector<ControlLoad> control_;  // of those that wait, by peer: their handles are small numbers
};

}  // namespace starling::wg
