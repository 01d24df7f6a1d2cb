// Sends datagrams to the victim at a given rate, from any of a network's addresses, and counts what comes back.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/time.h"
#include "tests/system/hostile/tap.h"

namespace starling::hostile {

// What came back: every answer to an attacker should be smaller than what it sent.
struct Answers {
  std::array<std::uint64_t, 5> by_type{};  // index: the message's type, 0 for anything else
  std::uint64_t bytes = 0;
};

class Flood {
 public:
  // Any address may be the source that is local in this namespace (`ip route add local NETWORK dev lo`). Throws
  // std::system_error.
  explicit Flood(const Endpoint& victim, std::uint16_t source_port);

  // Begins to count the pace anew.
  void set_rate(double datagrams_per_s);
  // Sends `bytes` with the next batch, waiting for its time.
  void send(Datagram bytes, const IpAddress& source);
  void flush();

  std::uint64_t sent() const { return sent_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  const Answers& answers() const { return answers_; }

 private:
  static constexpr std::size_t kBatch = 64;

  void keep_pace();
  void count_answers();

  struct Item {
    Datagram bytes;
    IpAddress source;
  };

  FileDescriptor socket_;
  Endpoint victim_;
  std::vector<Item> batch_;
  Time began_{};
  double rate_ = 0;
  std::uint64_t sent_since_began_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t bytes_sent_ = 0;
  Answers answers_;
};

}  // namespace starling::hostile
