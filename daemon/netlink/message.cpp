#include "daemon/netlink/message.h"

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>
#include <new>

namespace starling::daemon {

void NetlinkMessage::Free::operator()(nl_msg* message) const {
  nlmsg_free(message);
}

NetlinkMessage::NetlinkMessage(int type, int flags) : message_(nlmsg_alloc_simple(type, flags)) {
  if (!message_) throw std::bad_alloc();
}

void NetlinkMessage::append(Bytes value) {
  if (nlmsg_append(message_.get(), const_cast<std::uint8_t*>(value.data()), value.size(), NLMSG_ALIGNTO) != 0)
    throw std::bad_alloc();
}

void NetlinkMessage::attribute(int type, Bytes value) {
  if (nla_put(message_.get(), type, static_cast<int>(value.size()), value.data()) != 0) throw std::bad_alloc();
}

void NetlinkMessage::attribute_u32(int type, std::uint32_t value) {
  attribute(type, Bytes(reinterpret_cast<const std::uint8_t*>(&value), sizeof value));
}

void NetlinkMessage::attribute_text(int type, std::string_view value) {
  std::string text(value);
  attribute(type, Bytes(reinterpret_cast<const std::uint8_t*>(text.c_str()), text.size() + 1));
}

nlmsghdr* NetlinkMessage::header() const {
  return nlmsg_hdr(message_.get());
}

Bytes NetlinkMessage::bytes() const {
  return Bytes(reinterpret_cast<const std::uint8_t*>(header()), header()->nlmsg_len);
}

NetlinkAttributes::NetlinkAttributes(const nlmsghdr& message, std::size_t header_size) {
  const std::size_t offset = NLMSG_HDRLEN + NLMSG_ALIGN(header_size);
  if (offset <= message.nlmsg_len)
    read(Bytes(reinterpret_cast<const std::uint8_t*>(&message), message.nlmsg_len).subspan(offset));
}

void NetlinkAttributes::read(Bytes attributes) {
  while (attributes.size() >= sizeof(nlattr)) {
    nlattr attribute;
    std::memcpy(&attribute, attributes.data(), sizeof attribute);
    if (attribute.nla_len < sizeof attribute || attribute.nla_len > attributes.size()) return;
    const std::size_t type = attribute.nla_type & NLA_TYPE_MASK;
    if (type <= kTypeMax) values_[type] = attributes.subspan(sizeof attribute, attribute.nla_len - sizeof attribute);
    attributes = attributes.subspan(std::min<std::size_t>(NLA_ALIGN(attribute.nla_len), attributes.size()));
  }
}

Bytes NetlinkAttributes::at(int type) const {
  return type >= 0 && static_cast<std::size_t>(type) <= kTypeMax ? values_[static_cast<std::size_t>(type)] : Bytes();
}

std::optional<std::uint32_t> NetlinkAttributes::u32(int type) const {
  const Bytes value = at(type);
  if (value.size() != sizeof(std::uint32_t)) return std::nullopt;
  std::uint32_t number;
  std::memcpy(&number, value.data(), sizeof number);
  return number;
}

std::optional<std::uint8_t> NetlinkAttributes::u8(int type) const {
  const Bytes value = at(type);
  return value.size() == 1 ? std::optional(value[0]) : std::nullopt;
}

std::optional<IpAddress> NetlinkAttributes::address(int type) const {
  const Bytes value = at(type);
  return value.size() == 4 || value.size() == 16 ? std::optional(IpAddress::from_bytes(value)) : std::nullopt;
}

std::string_view NetlinkAttributes::text(int type) const {
  const Bytes value = at(type);
  std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
  return text.substr(0, text.find('\0'));
}

std::uint8_t address_family(Family family) {
  return family == Family::ipv4 ? AF_INET : AF_INET6;
}

std::optional<Family> family_of(std::uint8_t address_family) {
  if (address_family == AF_INET) return Family::ipv4;
  if (address_family == AF_INET6) return Family::ipv6;
  return std::nullopt;
}

}  // namespace starling::daemon
