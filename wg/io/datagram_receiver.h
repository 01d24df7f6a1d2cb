// The receiving half of the outer sockets: many datagrams a system call, and many datagrams of one source in one where
// the kernel joins them (UDP_GRO). One thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/ip.h"
#include "wg/io/ancillary.h"
#include "wg/io/error_queue.h"
#include "wg/io/message_arrays.h"

namespace starling::wg {

// One datagram, or several of the same source, one behind the other.
struct ReceivedDatagrams {
  MutableBytes bytes;            // may be changed in place
  std::size_t segment_size = 0;  // bytes of each but the last, which may be shorter
  Endpoint from;
  std::optional<LocalAddress> local;  // to which they came
  std::uint32_t interface_index = 0;  // through which they came; 0 unknown
  std::uint8_t traffic_class = 0;

  std::size_t count() const { return segment_size == 0 ? 1 : (bytes.size() + segment_size - 1) / segment_size; }
};

class DatagramReceiver {
 public:
  explicit DatagramReceiver(ErrorQueue& errors) : errors_(errors) {}

  struct Batch {
    std::span<ReceivedDatagrams> received;  // valid until the next call
    bool is_full = false;                   // there may be more
    std::optional<std::uint32_t> lost;      // as the kernel counted with the newest
  };

  // What has arrived, up to a number that depends on how large the last ones were; empty when there is nothing.
  Batch receive(int fd);

 private:
  int fill(int fd, std::size_t room);

  // Any datagram; not a power of two, for the caches' sake.
  static constexpr std::size_t kSlotSize = 65536 + 64;  // bytes
  // Each may be as large, so that more of them are memory and a turn that takes long, and save little.
  static constexpr std::size_t kAtOnce = 12;

  void prepare();

  // Not initialised: pages that no datagram reaches take no memory.
  const std::unique_ptr<std::uint8_t[]> memory_ = std::make_unique_for_overwrite<std::uint8_t[]>(kAtOnce * kSlotSize);
  ErrorQueue& errors_;
  MessageArrays arrays_;
  std::array<ReceivedDatagrams, kAtOnce> received_;
  std::size_t used_ = kAtOnce;  // of the arrays, since they were last prepared
  bool large_ = false;          // the last ones were
};

}  // namespace starling::wg
