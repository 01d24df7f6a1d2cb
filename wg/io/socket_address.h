// Endpoint as the kernel's sockaddr and back.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/ip.h"

namespace starling::wg {

// Fills `out`; returns its length in bytes.
socklen_t to_socket_address(const Endpoint& endpoint, sockaddr_storage& out);
// AF_INET or AF_INET6; anything else is the default Endpoint.
Endpoint from_socket_address(const sockaddr_storage& address);

}  // namespace starling::wg
