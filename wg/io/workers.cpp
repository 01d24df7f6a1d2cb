#include "wg/io/workers.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "wg/io/backend.h"

namespace starling::wg {
namespace {

std::unique_ptr<PacketAead> make_aead(std::string_view name) {
  std::unique_ptr<PacketAead> aead = make_packet_aead(name);
  if (!aead) throw std::invalid_argument("AEAD '" + std::string(name) + "': there is none of this name here");
  return aead;
}

unsigned checked(unsigned count) {
  if (count > kWorkersMax) {
    throw std::invalid_argument(std::to_string(count) + " workers: must be 0 to " + std::to_string(kWorkersMax));
  }
  return count == 0 ? Workers::default_count() : count;
}

}  // namespace

// On two processors a helper would take one from whoever sends or receives the traffic (docs/performance.md).
unsigned Workers::default_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int processors = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return processors <= 2 ? 1 : std::min(static_cast<unsigned>(processors), kWorkersMax);
}

Workers::Workers(unsigned count, std::string_view aead) : aead_(make_aead(aead)) {
  const unsigned wanted = checked(count);
  for (unsigned i = 1; i < wanted; ++i) helper_aeads_.push_back(make_aead(aead));
  for (const std::unique_ptr<PacketAead>& own : helper_aeads_) {
    threads_.emplace_back([this, &own] { help(*own); });
  }
}

Workers::~Workers() {
  stopping_.store(true, std::memory_order_relaxed);
  tail_.fetch_add(1, std::memory_order_release);  // wakes them; there is nothing to take any more
  tail_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// A full queue means that all helpers are busy; the engine will do this one itself.
void Workers::post(Work& work) {
  ++offered_;
  work.state_.store(Work::kPosted, std::memory_order_relaxed);
  const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
  if (tail - head_.load(std::memory_order_acquire) >= kQueueSize) return;
  queue_[tail % kQueueSize].store(&work, std::memory_order_relaxed);
  tail_.store(tail + 1, std::memory_order_release);
  tail_.notify_one();
}

Work* Workers::take() {
  std::uint32_t head = head_.load(std::memory_order_relaxed);
  while (head != tail_.load(std::memory_order_acquire)) {
    Work* const work = queue_[head % kQueueSize].load(std::memory_order_relaxed);
    if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel)) return work;
  }
  return nullptr;
}

void Workers::help(PacketAead& aead) {
  (void)::pthread_setname_np(::pthread_self(), "wg-worker");
  while (true) {
    const std::uint32_t seen = tail_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    Work* const work = take();
    if (work == nullptr) {
      tail_.wait(seen, std::memory_order_acquire);
      continue;
    }
    std::uint32_t expected = Work::kPosted;
    if (!work->state_.compare_exchange_strong(expected, Work::kTaken, std::memory_order_acq_rel)) continue;
    work->run(aead);
    work->state_.store(Work::kDone, std::memory_order_release);
    work->state_.notify_one();
  }
}

void Workers::finish(Work& work) {
  std::uint32_t state = work.state_.load(std::memory_order_acquire);
  if (state == Work::kPosted && work.state_.compare_exchange_strong(state, Work::kTaken, std::memory_order_acq_rel)) {
    state = Work::kIdle;  // nobody has begun
  }
  if (state == Work::kIdle) {
    work.run(*aead_);
  } else {
    ++helped_;
    while (state != Work::kDone) {
      work.state_.wait(state, std::memory_order_acquire);
      state = work.state_.load(std::memory_order_acquire);
    }
  }
  work.state_.store(Work::kIdle, std::memory_order_relaxed);
}

}  // namespace starling::wg
