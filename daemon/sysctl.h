// The kernel's knobs under /proc/sys, of the network namespace that we run in.
#pragma once

#include <optional>
#include <string>

namespace starling::daemon {

// "net/ipv4/ip_forward" as a number; nothing if there is no such knob (no IPv6, say) or it holds no number.
std::optional<int> read_sysctl(const std::string& name);
bool write_sysctl(const std::string& name, int value);

}  // namespace starling::daemon
