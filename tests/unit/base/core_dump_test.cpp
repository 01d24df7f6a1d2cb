#include "base/core_dump.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctest/doctest.h"

using namespace starling;

namespace {

constexpr int kPrevented = 0;
constexpr int kDumpable = 1;
constexpr int kLimitLeft = 2;
constexpr int kFailed = 3;

bool leak_checker_needs_it() {
#ifdef __SANITIZE_ADDRESS__
  return true;
#else
  return false;
#endif
}

int prevent_and_look() {
  if (disable_core_dumps()) return kFailed;
  if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 && !leak_checker_needs_it()) return kDumpable;
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0 || limit.rlim_max != 0) return kLimitLeft;
  return kPrevented;
}

}  // namespace

TEST_CASE("a process that prevents core dumps leaves none, neither to a file nor to a crash handler") {
  REQUIRE(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(prevent_and_look());
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == kPrevented);
}
