#include "daemon/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "base/core_dump.h"

namespace starling::daemon {

namespace {

Error failed(const char* what) {
  return Error{std::string("privileges cannot be given up: ") + what + ": " + strerror(errno)};
}

std::uint64_t bit(int capability) {
  return std::uint64_t{1} << capability;
}

}  // namespace

std::optional<Error> drop_privileges(bool keep_low_ports) {
  if (auto error = disable_core_dumps()) return error;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("PR_SET_NO_NEW_PRIVS");

  const std::uint64_t wanted = bit(CAP_NET_ADMIN) | (keep_low_ports ? bit(CAP_NET_BIND_SERVICE) : 0);
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
    if ((wanted & bit(capability)) == 0)
      prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // only root may; others have none

  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0) return failed("capget");
  for (std::size_t i = 0; i < data.size(); i++) {
    const auto half = static_cast<std::uint32_t>(wanted >> (32 * i));
    data[i].permitted &= half;
    data[i].effective = data[i].permitted;
    data[i].inheritable = 0;
  }
  if (syscall(SYS_capset, &header, data.data()) != 0) return failed("capset");
  return std::nullopt;
}

}  // namespace starling::daemon
