#include "base/core_dump.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace starling {

namespace {

Error failed(const char* what) {
  return Error{std::string("core dumps cannot be prevented: ") + what + ": " + strerror(errno)};
}

}  // namespace

std::optional<Error> disable_core_dumps() {
#ifndef __SANITIZE_ADDRESS__  // the leak checker attaches to the process as a debugger does
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("PR_SET_DUMPABLE");
#endif
  const rlimit no_core{0, 0};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) return failed("RLIMIT_CORE");
  return std::nullopt;
}

}  // namespace starling
