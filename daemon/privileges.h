// Least privilege: of root's powers the daemon keeps those that a router needs, and a crash leaves no keys on disk.
#pragma once

#include <optional>

#include "base/result.h"

namespace starling::daemon {

// Called before any thread is started, because the kernel keeps privileges per thread. Keeps CAP_NET_ADMIN, and
// CAP_NET_BIND_SERVICE if asked for; gives up what else there is, for good. Core dumps and ptrace are switched off.
// Nothing, or what went wrong.
std::optional<Error> drop_privileges(bool keep_low_ports);

}  // namespace starling::daemon
