// The errors that the kernel keeps of the outer sockets' datagrams (IP_RECVERR, IPV6_RECVERR): what ICMP said of which.
// One thread only.
//
// With them comes a pending error, which the next call on the socket fails with, whatever that call is about. The call
// that failed has taken it away, so the same call again says what is true of it alone (is_anothers). A failure that
// stays is one.
//
// Invariants: what the queue holds counts against the socket's memory, so it is read as long as it is asked for; a
// flood, which no honest network sends, turns the asking off for a while, and then the kernel keeps nothing.
// Sources: ip(7), IP_RECVERR; Linux net/core/{sock,skbuff}.c (sock_error, sock_dequeue_err_skb), net/ipv4/udp.c
// (udp_err).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "wg/unreachable.h"

namespace starling::wg {

// What one message of the error queue tells (its address is where the datagram was to go); nothing if it is no ICMP
// error, such as what the kernel itself refused: the call that sent it has heard already.
std::optional<Unreachable> read_unreachable(msghdr& header);

// Asks for the errors of this socket, or no longer: then those that are there are forgotten.
void request_errors(int fd, Family family, bool wanted);

class ErrorQueue {
 public:
  static constexpr std::size_t kAtOnce = 32;     // errors of a system call
  static constexpr std::size_t kFoundMax = 128;  // not taken yet; more are read and forgotten
  static constexpr std::uint32_t kBurst = 1000;  // errors, of both sockets
  static constexpr Duration kPerToken = std::chrono::milliseconds(2);
  static constexpr Duration kDeafFor = std::chrono::seconds(1);  // after a flood

  ErrorQueue();
  ~ErrorQueue();

  // Reads what waits, up to kAtOnce. False if nothing did: then no error is pending either.
  bool drain(int fd);

  // Of a call that failed with this error: whether it may be of another datagram, so that the same call should be tried
  // again. `tries`: of the same call, 0 before the first.
  bool is_anothers(int fd, int error, unsigned& tries);

  // Of what was found since the last call: valid until the next. To be called once a turn.
  const std::vector<Unreachable>& take(Time now);
  bool has_news() const { return read_ != 0 || !is_wanted_ || warning_; }
  // Whether the sockets are to be asked for errors: changes with take(), and must then be followed.
  bool is_wanted() const { return is_wanted_; }
  std::optional<std::string> take_warning() { return std::exchange(warning_, std::nullopt); }

 private:
  struct Arrays;

  const std::unique_ptr<Arrays> arrays_;
  std::vector<Unreachable> found_;
  std::vector<Unreachable> taken_;
  std::uint32_t read_ = 0;  // errors since the last take()
  TokenBucket bucket_{kBurst, kPerToken};
  bool is_wanted_ = true;
  Time deaf_until_{};
  bool told_ = false;
  std::optional<std::string> warning_;
};

}  // namespace starling::wg
