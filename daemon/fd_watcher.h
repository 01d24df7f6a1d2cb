// Calls back whenever a file descriptor of someone else's polls readable. Watches a duplicate, so that it may outlive
// the original by a moment.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>

namespace starling::daemon {

class FdWatcher {
 public:
  // std::system_error if the descriptor cannot be duplicated.
  FdWatcher(boost::asio::io_context& io, int fd, std::function<void()> on_readable);

 private:
  void wait();

  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void()> on_readable_;
};

}  // namespace starling::daemon
