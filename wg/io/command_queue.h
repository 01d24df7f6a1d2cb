// Work that other threads hand to the engine: done in order, between two batches of packets. The eventfd polls readable
// once the engine's thread is wanted for it.
#pragma once

#include <atomic>
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

  // Whoever has the engine.
  void run(Now now);

  // Any thread: the longest that the first of those done together has waited since this was last asked.
  Duration take_longest_wait() { return Duration(longest_wait_.exchange(0, std::memory_order_relaxed)); }

 private:
  void note_wait(Duration wait);

  FileDescriptor event_;
  std::mutex mutex_;
  std::vector<Command> waiting_;
  Time waiting_since_{};  // the first of them
  bool woken_ = false;
  std::atomic<Duration::rep> longest_wait_ = 0;
};

}  // namespace starling::wg
