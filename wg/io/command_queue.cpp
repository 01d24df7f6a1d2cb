#include "wg/io/command_queue.h"

#include <sys/eventfd.h>

#include "base/system.h"

namespace starling::wg {

CommandQueue::CommandQueue() : event_(checked_descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}

void CommandQueue::leave(Command command) {
  const Time now = monotonic_now();
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) waiting_since_ = now;
  waiting_.push_back(std::move(command));
}

void CommandQueue::wake() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(woken_, true)) (void)::eventfd_write(event_.get(), 1);
}

Duration CommandQueue::run(Now now) {
  running_.clear();  // should one have thrown
  Duration waited{};
  {
    const std::lock_guard lock(mutex_);
    eventfd_t count = 0;
    if (std::exchange(woken_, false)) (void)::eventfd_read(event_.get(), &count);
    running_.swap(waiting_);
    if (!running_.empty()) waited = monotonic_now() - waiting_since_;
  }
  for (const Command& command : running_) command(now);
  running_.clear();
  return waited;
}

}  // namespace starling::wg
