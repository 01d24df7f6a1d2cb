// An attacker on the path: reads what honest ends send to the victim, in the network namespace of one of them.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"

namespace starling::hostile {

using Datagram = std::vector<std::uint8_t>;  // a UDP payload

class Tap {
 public:
  static constexpr std::size_t kDatagramsMax = 4096;  // of each kind, the newest

  // Listens in the namespace /run/netns/`network_namespace`, to UDP over IPv4 sent to `victim`. Throws
  // std::system_error.
  Tap(const std::string& network_namespace, const Endpoint& victim);

  int fd() const { return socket_.get(); }
  void read();
  void forget_data() { data_.clear(); }

  const std::deque<Datagram>& handshakes() const { return handshakes_; }
  const std::deque<Datagram>& data() const { return data_; }

 private:
  void take(Bytes packet);

  FileDescriptor socket_;
  Endpoint victim_;
  std::deque<Datagram> handshakes_;
  std::deque<Datagram> data_;
};

}  // namespace starling::hostile
