// An immutable value that one thread replaces while others read it. A store takes effect with the reader's next get():
// readers see the old value or the new, never a mixture. A reader pays one atomic load per get() while nothing changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace starling::wg {

template <typename T>
class SnapshotCell {
 public:
  using Snapshot = std::shared_ptr<const T>;

  explicit SnapshotCell(Snapshot initial) : current_(std::move(initial)) {}

  void store(Snapshot next) {
    {
      const std::lock_guard lock(mutex_);
      current_.swap(next);
      version_.fetch_add(1, std::memory_order_release);
    }
    // `next`, the old value now, is let go of outside the lock.
  }

  Snapshot load() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  // One thread's view. The reference that get() returns is valid until the next get().
  class Reader {
   public:
    explicit Reader(const SnapshotCell& cell) : cell_(cell) { refresh(); }

    const T& get() {
      if (cell_.version_.load(std::memory_order_acquire) != version_) refresh();
      return *seen_;
    }

   private:
    void refresh() {
      const std::lock_guard lock(cell_.mutex_);
      seen_ = cell_.current_;
      version_ = cell_.version_.load(std::memory_order_relaxed);
    }

    const SnapshotCell& cell_;
    Snapshot seen_;
    std::uint64_t version_ = 0;
  };

 private:
  mutable std::mutex mutex_;  // for the few instructions that copy or swap the pointer
  Snapshot current_;
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace starling::wg
