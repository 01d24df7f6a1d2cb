// The outer sockets: IPv4 and IPv6 (V6ONLY) on one UDP port, datagrams in batches. A host without one of the families
// goes on with the other. One thread only.
// Invariant: a change that the kernel refuses leaves everything as it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"
#include "wg/io/ancillary.h"
#include "wg/io/backend.h"

namespace starling::wg {

inline constexpr std::size_t kBatchSize = 64;      // datagrams or packets handled at one go
inline constexpr int kSocketBufferSize = 7 << 20;  // bytes, each direction

struct ReceivedDatagram {
  MutableBytes bytes;  // may be changed in place
  Endpoint from;
  std::optional<LocalAddress> local;  // to which it came
  std::uint32_t interface_index = 0;  // through which it came; 0 unknown
  std::uint8_t traffic_class = 0;
};

struct OutgoingDatagram {
  Bytes bytes;
  Endpoint to;
  std::optional<LocalAddress> source;  // to send from, if it still is an address of ours; else the kernel's choice
  std::uint8_t traffic_class = 0;
};

// Of a batch: positions of datagrams in it.
struct SendOutcome {
  struct Failure {
    std::size_t index;
    int error;  // errno
  };
  std::vector<Failure> failures;             // not sent
  std::vector<std::size_t> sources_refused;  // the given source was of no use; sent from another, or failed anyway

  void clear() {
    failures.clear();
    sources_refused.clear();
  }
};

class UdpSockets {
 public:
  // Closed. `port` 0: the kernel picks one that is free in both families. `fwmark` 0: none.
  UdpSockets(std::uint16_t port, std::uint32_t fwmark);
  ~UdpSockets();
  UdpSockets(UdpSockets&&) noexcept;
  UdpSockets& operator=(UdpSockets&&) noexcept;

  // In the network namespace of the calling thread.
  std::optional<SystemError> open();
  void close();  // the port is kept for the next open()
  bool is_open() const;
  // While open: other sockets in the place of the old ones.
  std::optional<SystemError> set_port(std::uint16_t port);
  std::optional<SystemError> set_fwmark(std::uint32_t fwmark);

  std::uint16_t port() const;  // what is bound, or what was asked for
  std::uint32_t fwmark() const;
  int fd(Family family) const;  // −1 where the host has not got this family, and while closed

  // Up to kBatchSize datagrams that have arrived; empty when there are none. Valid until the next call.
  std::span<ReceivedDatagram> receive(Family family);
  // How many datagrams the kernel turned away since the last call, because a socket's queue was full. Told with the
  // datagrams that came later, or of the sockets themselves if `ask`.
  std::uint64_t take_lost(bool ask);

  // Sends at most kBatchSize datagrams, in order within each family; adds to `outcome`.
  void send(std::span<const OutgoingDatagram> datagrams, SendOutcome& outcome);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling::wg
