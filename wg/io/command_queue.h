// Work that other threads hand to the engine's: done in order, between two batches of packets. The eventfd polls
// readable while something waits.
#pragma once

#include <functional>
#include <future>
#include <mutex>
#include <vector>

#include "base/file_descriptor.h"
#include "base/time.h"

namespace starling::wg {

class CommandQueue {
 public:
  using Command = std::function<void(Now)>;

  CommandQueue();  // std::system_error if the kernel gives no eventfd

  int fd() const { return event_.get(); }

  // Any thread.
  void post(Command command);
  // Any thread but the engine's: waits until the engine has done it, which is at most one batch of packets away.
  template <typename Function>
  auto call(Function function) {
    std::promise<decltype(function(Now{}))> promise;
    auto result = promise.get_future();
    post([&](Now now) { promise.set_value(function(now)); });
    return result.get();
  }

  // The engine's thread.
  void run(Now now);

 private:
  FileDescriptor event_;
  std::mutex mutex_;
  std::vector<Command> waiting_;
};

}  // namespace starling::wg
