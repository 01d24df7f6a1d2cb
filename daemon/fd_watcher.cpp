#include "daemon/fd_watcher.h"

#include <errno.h>
#include <fcntl.h>

#include <system_error>

namespace starling::daemon {

namespace {

int duplicate(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw std::system_error(errno, std::generic_category(), "cannot watch a file descriptor");
  return copy;
}

}  // namespace

FdWatcher::FdWatcher(boost::asio::io_context& io, int fd, std::function<void()> on_readable)
    : descriptor_(io, duplicate(fd)), on_readable_(std::move(on_readable)) {
  wait();
}

void FdWatcher::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error) return;  // being destroyed
                           on_readable_();
                           wait();
                         });
}

}  // namespace starling::daemon
