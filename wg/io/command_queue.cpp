#include "wg/io/command_queue.h"

#include <sys/eventfd.h>

namespace starling::wg {

CommandQueue::CommandQueue() : event_(checked_descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}

void CommandQueue::leave(Command command) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(command));
}

void CommandQueue::wake() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(woken_, true)) (void)::eventfd_write(event_.get(), 1);
}

void CommandQueue::run(Now now) {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(mutex_);
    eventfd_t count = 0;
    if (std::exchange(woken_, false)) (void)::eventfd_read(event_.get(), &count);
    commands.swap(waiting_);
  }
  for (const Command& command : commands) command(now);
}

}  // namespace starling::wg
