// The sending half of the outer sockets: runs of datagrams to one destination in one system call, cut by the kernel
// (UDP_SEGMENT), and many such runs a call. What the kernel or the path does not take that way is sent datagram by
// datagram. An error of an earlier datagram, which the kernel tells with the next call, is no result of that call's own
// (error_queue.h). One thread only.
// Sources: udp(7); Linux net/ipv4/udp.c for what is refused with which error.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"
#include "wg/io/ancillary.h"
#include "wg/io/error_queue.h"
#include "wg/io/message_arrays.h"

namespace starling::wg {

// Bytes of a message: 65535 less the headers of IP and UDP.
inline constexpr std::size_t kMessageSizeMax_v4 = 65507;
inline constexpr std::size_t kMessageSizeMax_v6 = 65527;

// Datagrams of one size, the last may be shorter, one behind the other in memory.
struct OutgoingRun {
  Bytes bytes;
  std::size_t segment_size = 0;  // bytes of each but the last; not 0
  Endpoint to;
  std::optional<LocalAddress> source;  // to send from, if it still is an address of ours; else the kernel's choice
  std::uint8_t traffic_class = 0;

  std::size_t count() const { return (bytes.size() + segment_size - 1) / segment_size; }
};

// Of a batch: positions of runs in it.
struct SendOutcome {
  struct Failure {
    std::size_t run;
    std::size_t first;  // of the datagrams in the run that were not sent
    std::size_t count;
    int error;  // errno
  };
  std::vector<Failure> failures;
  std::vector<std::size_t> sources_refused;  // the given source was of no use; sent from another, or failed anyway

  void clear() {
    failures.clear();
    sources_refused.clear();
  }
};

class DatagramSender {
 public:
  DatagramSender(bool segment, ErrorQueue& errors) : segment_{segment, segment}, errors_(errors) {}

  // Before the first is sent: a kernel that does not know UDP_SEGMENT (Linux 4.18) ignores it in a message, and would
  // send a run as one datagram.
  void probe(int fd);
  // Those runs whose destination is of this family, in order. Adds to `outcome`.
  void send(int fd, Family family, std::span<const OutgoingRun> runs, SendOutcome& outcome);
  // All of this family fail with this error.
  static void refuse(Family family, std::span<const OutgoingRun> runs, int error, SendOutcome& outcome);

  // Paths are perhaps others now.
  void forget_destinations() { refused_.clear(); }
  // A person should know, once: segmentation was switched off.
  bool has_warning() const { return warning_.has_value(); }
  std::optional<std::string> take_warning() { return std::exchange(warning_, std::nullopt); }

 private:
  static constexpr std::size_t kSegmentsMax = 64;  // of one message (UDP_MAX_SEGMENTS before Linux 6.9)
  static constexpr std::size_t kRefusedMax = 64;   // destinations

  struct Message {
    std::size_t run;
    std::size_t first;  // datagram
    std::size_t count;
    bool has_source;
  };

  std::size_t message_limit(Family family, const OutgoingRun& run) const;
  void add(Family family, std::span<const OutgoingRun> runs, const Message& message);
  void submit(int fd, Family family, std::span<const OutgoingRun> runs, SendOutcome& outcome);
  bool on_error(int fd, Family family, std::size_t at, int error, std::span<const OutgoingRun> runs,
                SendOutcome& outcome);
  void send_singly(int fd, Family family, const Message& message, std::span<const OutgoingRun> runs,
                   SendOutcome& outcome);
  void write_header(std::size_t at, Family family, const OutgoingRun& run);

  std::array<bool, 2> segment_;  // by family
  ErrorQueue& errors_;
  std::vector<Endpoint> refused_;  // destinations whose path is too narrow for what is cut
  std::optional<std::string> warning_;
  MessageArrays arrays_;
  std::array<Message, kMessagesMax> messages_{};
  std::size_t count_ = 0;
};

}  // namespace starling::wg
