// Packets made by hand, into a TUN, and seen on an interface.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"

namespace starling::wg::test {

// A UDP packet into a TUN, as a program on this host would send it.
void send_into(const std::string& interface, const char* destination);
// Any packet into a TUN, as the kernel would forward it, `count` times in a row.
void inject(const std::string& interface, const std::vector<std::uint8_t>& packet, int count = 1);

// An ICMP message of this type with nothing in it.
std::vector<std::uint8_t> icmp_packet(const char* source, const char* destination, std::uint8_t type);
// UDP to the control port.
std::vector<std::uint8_t> forged_control_packet(const IpAddress& source, const IpAddress& destination);

// Everything that an interface of the present namespace sends and receives, from the construction on.
class Tap {
 public:
  // Empty: all interfaces.
  explicit Tap(const std::string& interface = {});

  // The next IP packet, header first; nothing if none comes within `timeout_ms`.
  std::optional<std::vector<std::uint8_t>> next(int timeout_ms);

 private:
  FileDescriptor socket_;
};

}  // namespace starling::wg::test
