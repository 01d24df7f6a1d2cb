// Threads that do the ciphers' work for the engine's own, which keeps the order: it posts pieces of work, and finishes
// them one after the other, doing itself what nobody has begun. With one worker, the engine itself, nothing is posted
// and nothing is shared. A worker without work sleeps. top(1) shows them as wg-worker, the engine as wg-engine.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "wg/protocol/aead.h"

namespace starling::wg {

// A piece of work, done once each time that it is posted or finished. It belongs to its Workers: a helper looks at what
// it took from the queue even after the engine has finished it.
class Work {
 public:
  virtual ~Work() = default;

 protected:
  // Touches nothing that the engine's thread uses meanwhile.
  virtual void run(PacketAead& aead) = 0;

 private:
  friend class Workers;
  enum State : std::uint32_t { kIdle, kPosted, kTaken, kDone };
  std::atomic<std::uint32_t> state_{kIdle};
};

class Workers {
 public:
  // `count`: threads, the caller's included, up to kWorkersMax (backend.h); 0: default_count(). `aead`: a name of
  // aead.h; empty: the fastest. std::invalid_argument if there is none of that name, or `count` is too large.
  Workers(unsigned count, std::string_view aead);
  ~Workers();

  // As many as this process has processors, up to kWorkersMax; one where there are two or less.
  static unsigned default_count();

  unsigned count() const { return static_cast<unsigned>(threads_.size()) + 1; }
  bool has_helpers() const { return !threads_.empty(); }
  // How many pieces are worth posting before the first is finished.
  std::size_t pieces_at_once() const { return has_helpers() ? std::size_t{2} * count() : 1; }
  std::string_view aead_name() const { return aead_->name(); }
  PacketAead& aead() { return *aead_; }  // the caller's own

  // There until the helpers have ended.
  template <typename Piece>
  Piece& make() {
    auto piece = std::make_unique<Piece>();
    Piece& made = *piece;
    pieces_.push_back(std::move(piece));
    return made;
  }

  // `work`: made here, and finished since it was last posted. Somebody else may begin with it. The caller finishes it
  // all the same.
  void post(Work& work);
  // Returns when it is done, whoever did it.
  void finish(Work& work);

  std::uint64_t offered() const { return offered_; }  // pieces that were posted
  std::uint64_t helped() const { return helped_; }    // those that somebody else did

 private:
  static constexpr std::uint32_t kQueueSize = 64;  // pieces that nobody has looked at; a power of two

  void help(PacketAead& aead);
  Work* take();

  std::unique_ptr<PacketAead> aead_;
  std::vector<std::unique_ptr<PacketAead>> helper_aeads_;
  std::vector<std::unique_ptr<Work>> pieces_;
  std::uint64_t offered_ = 0;  // the caller's
  std::uint64_t helped_ = 0;
  std::array<std::atomic<Work*>, kQueueSize> queue_{};
  alignas(64) std::atomic<std::uint32_t> tail_{0};  // one past the newest; the engine's
  alignas(64) std::atomic<std::uint32_t> head_{0};  // the oldest that nobody has looked at
  alignas(64) std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace starling::wg
