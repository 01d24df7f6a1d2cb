// UDP sockets that live inside a node's namespace while the lab holds them. Bound to no address: the kernel picks the
// source by its routes (prefsrc), as it does for any program there.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "base/file_descriptor.h"
#include "base/ip.h"

namespace starling::lab {

// Non-blocking; port 0 lets the kernel choose. Throws std::system_error.
FileDescriptor open_udp_socket(int namespace_fd, Family family, std::uint16_t port);

// False if the kernel refuses, as it does without a route.
bool send_datagram(int socket, const IpAddress& to, std::uint16_t port, Bytes payload);

struct Datagram {
  IpAddress source;
  Bytes payload;  // in the caller's buffer
};
// The next one that waits, or nothing.
std::optional<Datagram> receive_datagram(int socket, MutableBytes buffer);

}  // namespace starling::lab
