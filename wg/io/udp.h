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
#include "base/time.h"
#include "wg/io/backend.h"
#include "wg/io/datagram_receiver.h"
#include "wg/io/datagram_sender.h"
#include "wg/unreachable.h"

namespace starling::wg {

inline constexpr int kSocketBufferSize = 7 << 20;  // bytes, each direction

class UdpSockets {
 public:
  // Closed. `port` 0: the kernel picks one that is free in both families. `fwmark` 0: none.
  UdpSockets(std::uint16_t port, std::uint32_t fwmark, const Offloads& offloads);
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

  // Datagrams that have arrived; nothing where there are none. Valid until the next call.
  DatagramReceiver::Batch receive(Family family);
  // How many datagrams the kernel turned away since the last call, because a socket's queue was full. Told with the
  // datagrams that came later, or of the sockets themselves if `ask`.
  std::uint64_t take_lost(bool ask);

  // In order within each family; adds to `outcome`.
  void send(std::span<const OutgoingRun> runs, SendOutcome& outcome);
  // Those that refused what the kernel was to cut may take it now.
  void forget_narrow_paths();
  // Whether take_warning() or take_errors() have something to tell, or to do.
  bool has_news() const;
  // What a person should know of an offload that was switched off, or a flood of errors.
  std::optional<std::string> take_warning();

  // Reads what ICMP said of the datagrams of this family: when its socket polls with an error, or it will again.
  void read_errors(Family family);
  // What was read since the last call, here or when a call failed: valid until the next. To be called once a turn.
  const std::vector<Unreachable>& take_errors(Time now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling::wg
