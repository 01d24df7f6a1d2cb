// Work that other threads hand to the engine: done in order, between two batches of packets. The eventfd polls readable
// once the engine's thread is wanted for it.
#pragma once

#include <functional>
#include <future>
#include <mutex>
#include <utility>
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
  void post(Command command) {
    leave(std::move(command));
    wake();
  }
  // The same in two steps, for whoever can see to it that run() is called without waking anyone.
  void leave(Command command);
  void wake();
  // Any thread but the engine's: waits until the engine has done it, which is at most one batch of packets away.
  template <typename Function>
  auto call(Function function) {
    std::promise<decltype(function(Now{}))> promise;
    auto result = promise.get_future();
    post([&](Now now) { promise.set_value(function(now)); });
    return result.get();
  }

  // Whoever has the engine. How long the first of those that were done had waited; zero if there were none.
  Duration run(Now now);

 private:
  FileDescriptor event_;
  std::mutex mutex_;
  std::vector<Command> waiting_;
  std::vector<Command> running_;  // whose memory is used again
  Time waiting_since_{};          // the first of them that wait
  bool woken_ = false;
};

}  // namespace starling::wg
