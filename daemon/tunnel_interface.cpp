#include "daemon/tunnel_interface.h"

#include <errno.h>
#include <fmt/format.h>

#include <algorithm>

#include "daemon/netlink/kernel_link.h"
#include "daemon/sysctl.h"

namespace starling::daemon {

namespace {

constexpr int kLinkLocalLength = 64;
constexpr int kAddressGenerationNone = 1;  // IN6_ADDR_GEN_MODE_NONE

}  // namespace

TunnelInterface::TunnelInterface(NetlinkSocket& socket, std::uint32_t index, const Config& config,
                                 const IpAddress& link_local)
    : socket_(socket), index_(index), name_(config.interface), mtu_(config.mtu), addresses_(config.addresses) {
  addresses_.push_back({link_local, kLinkLocalLength});
}

std::optional<Error> TunnelInterface::configure() {
  set_knobs();
  const NetlinkAnswer up = socket_.request(set_link_message(index_, true, mtu_));
  if (!up.ok()) return Error{fmt::format("{} cannot be brought up: {}", name_, up.to_string())};
  remove_other_link_local();
  return restore_addresses();
}

// Where a knob does not exist (no IPv6), the kernel does not do the thing either.
void TunnelInterface::set_knobs() {
  const std::string v4 = "net/ipv4/conf/" + name_ + "/";
  const std::string v6 = "net/ipv6/conf/" + name_ + "/";
  // Which source may come through which tunnel is the engine's business, and it knows the graph.
  write_sysctl(v4 + "rp_filter", 0);
  // Packets leave by the interface they came from as a matter of course: no reason to tell their sender.
  write_sysctl(v4 + "send_redirects", 0);
  write_sysctl(v6 + "disable_ipv6", 0);
  write_sysctl(v6 + "accept_ra", 0);
  write_sysctl(v6 + "autoconf", 0);
  write_sysctl(v6 + "addr_gen_mode", kAddressGenerationNone);
}

// The kernel may have made one up when the interface came up; two would make the source of its own packets a guess.
void TunnelInterface::remove_other_link_local() {
  std::vector<NetlinkMessage> messages;
  dump_addresses(socket_, [&](const KernelAddress& address) {
    const bool ours = is_ours(address);
    if (address.interface_index == index_ && address.address.address.is_link_local() && !ours)
      messages.push_back(delete_address_message(address));
  });
  socket_.request(messages);
}

std::optional<Error> TunnelInterface::restore_addresses() {
  for (const InterfaceAddress& address : addresses_) {
    const NetlinkAnswer answer = socket_.request(add_address_message({index_, address, false}));
    if (!answer.ok() && answer.error != EEXIST)
      return Error{fmt::format("address {} cannot be put on {}: {}", address.to_string(), name_, answer.to_string())};
  }
  return std::nullopt;
}

bool TunnelInterface::is_ours(const KernelAddress& address) const {
  return address.interface_index == index_ &&
         std::find(addresses_.begin(), addresses_.end(), address.address) != addresses_.end();
}

}  // namespace starling::daemon
