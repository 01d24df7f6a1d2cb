// The outer sockets: IPv4 and IPv6 (V6ONLY) on one UDP port, datagrams in batches. A host without one of the families
// goes on with the other. One thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"

namespace starling::wg {

inline constexpr std::size_t kBatchSize = 64;      // datagrams or packets handled at one go
inline constexpr int kSocketBufferSize = 7 << 20;  // bytes, each direction

struct ReceivedDatagram {
  MutableBytes bytes;  // may be changed in place
  Endpoint from;
  std::uint32_t interface_index = 0;  // through which it came; 0 unknown
};

struct OutgoingDatagram {
  Bytes bytes;
  Endpoint to;
  std::uint8_t traffic_class = 0;
};

struct SendFailure {
  std::size_t index;  // of the datagram in the batch
  int error;          // errno
};

class UdpSockets {
 public:
  // `port` 0: the kernel picks one that is free in both families. `fwmark` 0: none.
  static Result<std::unique_ptr<UdpSockets>> open(std::uint16_t port, std::uint32_t fwmark);
  ~UdpSockets();
  UdpSockets(const UdpSockets&) = delete;
  UdpSockets& operator=(const UdpSockets&) = delete;

  std::uint16_t port() const;
  int fd(Family family) const;  // −1 where the host has not got this family

  // Up to kBatchSize datagrams that have arrived; empty when there are none. Valid until the next call.
  std::span<ReceivedDatagram> receive(Family family);

  // Sends at most kBatchSize datagrams, in order within each family. What the kernel refused is appended to `failures`.
  void send(std::span<const OutgoingDatagram> datagrams, std::vector<SendFailure>& failures);

 private:
  struct Impl;
  explicit UdpSockets(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling::wg
