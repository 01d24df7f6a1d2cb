// A route-netlink socket that hears of changes and asks for one link at a time (rtnetlink(7)). Never waits: the kernel
// answers a question before the send of it returns.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/file_descriptor.h"

namespace starling::wg {

class Netlink {
 public:
  // `is_answer`: to what was asked last, and not somebody's change.
  using Visitor = std::function<void(const nlmsghdr&, bool is_answer)>;

  // In the network namespace of the calling thread. Nothing where the kernel refuses.
  static std::optional<Netlink> open(std::uint32_t groups);

  int fd() const { return fd_.get(); }
  // The answer comes with read(), as an RTM_NEWLINK. By index, or by name if 0.
  void ask_for_link(std::uint32_t index, const std::string& name);
  // All that waits. False if the kernel had to leave something out: everything must be asked for again.
  bool read(const Visitor& visitor);

 private:
  Netlink(FileDescriptor fd, std::uint32_t port) : fd_(std::move(fd)), port_(port) {}

  FileDescriptor fd_;
  std::uint32_t port_;  // our address among netlink sockets; answers carry it
  std::uint32_t sequence_ = 0;
};

// What every message of its kind begins with (such as ifinfomsg); null if it is too short.
template <typename T>
const T* fixed_part(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_HDRLEN + sizeof(T)) return nullptr;
  return reinterpret_cast<const T*>(reinterpret_cast<const std::uint8_t*>(&message) + NLMSG_HDRLEN);
}

// The attributes behind a message's fixed part (a struct such as ifinfomsg). Calls `visit(type, payload)` for each.
void for_each_attribute(const nlmsghdr& message, std::size_t fixed_size,
                        const std::function<void(std::uint16_t, Bytes)>& visit);

// Reads a number that lies in an attribute's payload; 0 if it is too short.
template <typename T>
T attribute_value(Bytes payload) {
  T value{};
  if (payload.size() >= sizeof value) std::memcpy(&value, payload.data(), sizeof value);
  return value;
}

}  // namespace starling::wg
