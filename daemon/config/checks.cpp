#include "daemon/config/checks.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "routing/node_name.h"

namespace starling::daemon {

std::optional<std::string> interface_name_error(std::string_view name) {
  constexpr std::array<std::string_view, 5> kTaken = {".", "..", "lo", "all", "default"};  // paths, loopback, sysctl's
  const bool fits = !name.empty() && name.size() <= kInterfaceNameSizeMax;
  const bool clean = std::all_of(name.begin(), name.end(),
                                 [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%'; });
  if (!fits || !clean)
    return "must be 1 to 15 printable ASCII characters without space, /, : and %, such as \"starling0\"";
  if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end())
    return "is a name that the kernel keeps for itself; choose another, such as \"starling0\"";
  return std::nullopt;
}

std::optional<std::string> node_name_error(std::string_view name) {
  if (routing::is_node_name(name)) return std::nullopt;
  return "must be 1 to 63 characters of a-z, A-Z, 0-9, \".\", \"_\" and \"-\"";
}

std::optional<std::string> own_address_error(const IpAddress& address) {
  if (address.is_link_local() && address.is_v6())
    return "is link-local; leave it out, the link-local address in the tunnels follows from the key";
  if (address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.is_link_local())
    return "cannot be routed across a mesh; give an address of your network, such as \"10.0.0.1/24\"";
  return std::nullopt;
}

std::optional<std::string> announced_prefix_error(const Prefix& prefix) {
  if (prefix.is_default()) return std::nullopt;  // an exit to everywhere
  const IpAddress& address = prefix.address();
  if (address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.is_link_local())
    return "cannot be routed across a mesh; give a prefix of your network, such as \"10.1.0.0/16\"";
  return std::nullopt;
}

std::string default_node_name() {
  std::array<char, 256> buffer{};
  std::string name;
  if (gethostname(buffer.data(), buffer.size() - 1) == 0) name = buffer.data();
  name = name.substr(0, routing::kMaxNameSize);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !routing::is_name_character(c); }, '-');
  return name.empty() ? "unnamed" : name;
}

}  // namespace starling::daemon
