// One netlink message, built or read (netlink(7), rtnetlink(7)). Owns a libnl message; attributes are appended by type.
#pragma once

#include <linux/netlink.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/ip.h"

struct nl_msg;

namespace starling::daemon {

class NetlinkMessage {
 public:
  // `header` is the fixed part that follows nlmsghdr (rtmsg, ifaddrmsg, ...).
  template <typename Header>
  NetlinkMessage(int type, int flags, const Header& header) : NetlinkMessage(type, flags) {
    append(Bytes(reinterpret_cast<const std::uint8_t*>(&header), sizeof header));
  }

  void attribute(int type, Bytes value);
  void attribute_u8(int type, std::uint8_t value) { attribute(type, Bytes(&value, 1)); }
  void attribute_u32(int type, std::uint32_t value);
  void attribute_text(int type, std::string_view value);  // with its final zero
  void attribute_address(int type, const IpAddress& address) { attribute(type, address.bytes()); }

  nlmsghdr* header() const;
  // The whole message as it goes to the kernel.
  Bytes bytes() const;

 private:
  NetlinkMessage(int type, int flags);
  void append(Bytes value);

  struct Free {
    void operator()(nl_msg* message) const;
  };
  std::unique_ptr<nl_msg, Free> message_;
};

// The attributes of a message that came from the kernel, by type. Views into the message; types above `kTypeMax` are
// skipped, as are attributes whose length does not fit.
class NetlinkAttributes {
 public:
  static constexpr std::size_t kTypeMax = 63;

  // Attributes start behind a fixed header of `header_size` bytes. All absent if the message is shorter than that.
  NetlinkAttributes(const nlmsghdr& message, std::size_t header_size);
  // Those nested in an attribute.
  explicit NetlinkAttributes(Bytes nested) { read(nested); }

  bool has(int type) const { return !at(type).empty(); }
  Bytes at(int type) const;
  std::optional<std::uint32_t> u32(int type) const;
  std::optional<std::uint8_t> u8(int type) const;
  std::optional<IpAddress> address(int type) const;  // 4 or 16 bytes
  std::string_view text(int type) const;             // without its final zero

 private:
  void read(Bytes attributes);

  std::array<Bytes, kTypeMax + 1> values_{};
};

// The fixed part of a message, or nothing if the message is too short for it.
template <typename Header>
const Header* fixed_header(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Header))) return nullptr;
  return reinterpret_cast<const Header*>(reinterpret_cast<const std::uint8_t*>(&message) + NLMSG_HDRLEN);
}

// AF_INET or AF_INET6, and back.
std::uint8_t address_family(Family family);
std::optional<Family> family_of(std::uint8_t address_family);

}  // namespace starling::daemon
