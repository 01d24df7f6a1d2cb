// A namespace's kernel routes of protocol 201, read through a netlink socket that stays open inside it (RFC 3549,
// rtnetlink(7)). A reader of its own, apart from the daemon's, because it is there to check what the daemon wrote.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/file_descriptor.h"
#include "base/ip.h"

namespace starling::lab {

struct InstalledRoute {
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> source;  // prefsrc
  std::uint32_t interface_index = 0;
};

using KernelTable = std::map<Prefix, InstalledRoute>;

class KernelTableReader {
 public:
  explicit KernelTableReader(int namespace_fd);  // throws std::system_error

  // Both families, all tables. Throws std::system_error.
  KernelTable read() const;

 private:
  void dump(std::uint8_t family, KernelTable& table) const;

  FileDescriptor socket_;
};

}  // namespace starling::lab
