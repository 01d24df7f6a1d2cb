#include "wg/io/socket_address.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

namespace starling::wg {

socklen_t to_socket_address(const Endpoint& endpoint, sockaddr_storage& out) {
  if (endpoint.address.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, endpoint.address.bytes().data(), sizeof address.sin_addr);
    std::memcpy(&out, &address, sizeof address);
    return sizeof address;
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(endpoint.port);
  address.sin6_scope_id = endpoint.scope;
  std::memcpy(&address.sin6_addr, endpoint.address.bytes().data(), sizeof address.sin6_addr);
  std::memcpy(&out, &address, sizeof address);
  return sizeof address;
}

Endpoint from_socket_address(const sockaddr_storage& storage) {
  Endpoint endpoint;
  if (storage.ss_family == AF_INET) {
    sockaddr_in address;
    std::memcpy(&address, &storage, sizeof address);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &address.sin_addr, bytes.size());
    endpoint = {IpAddress::v4(bytes), ntohs(address.sin_port), 0};
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address;
    std::memcpy(&address, &storage, sizeof address);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &address.sin6_addr, bytes.size());
    // The kernel fills in the scope of link-local addresses only, as Endpoint wants it.
    endpoint = {IpAddress::v6(bytes), ntohs(address.sin6_port), address.sin6_scope_id};
  }
  return endpoint;
}

}  // namespace starling::wg
