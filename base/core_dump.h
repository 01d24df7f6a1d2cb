// Keeps secrets out of core dumps. Keys live in ordinary memory all over a process, so it is the process that must not
// be dumped: neither to a file (RLIMIT_CORE) nor to a crash handler, which a limit does not stop (core(5)), nor to
// another process of the same user (PR_SET_DUMPABLE, ptrace(2)).
#pragma once

#include <optional>

#include "base/result.h"

namespace starling {

// For the rest of this process's life, and before it holds a key. A program that it starts by execve may be dumped
// again, but only within the limit, which it inherits.
std::optional<Error> disable_core_dumps();

}  // namespace starling
