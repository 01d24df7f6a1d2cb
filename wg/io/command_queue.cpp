#include "wg/io/command_queue.h"

#include <sys/eventfd.h>

namespace starling::wg {

CommandQueue::CommandQueue() : event_(checked_descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}

void CommandQueue::post(Command command) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(command));
  if (waiting_.size() == 1) (void)::eventfd_write(event_.get(), 1);
}

void CommandQueue::run(Now now) {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(mutex_);
    eventfd_t count = 0;
    (void)::eventfd_read(event_.get(), &count);
    commands.swap(waiting_);
  }
  for (const Command& command : commands) command(now);
}

}  // namespace starling::wg
