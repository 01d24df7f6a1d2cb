#include "topologies/lab/sim/huge_pages.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace starling::sim {

namespace {

constexpr const char* kVariable = "GLIBC_TUNABLES";
constexpr const char* kTunable = "glibc.malloc.hugetlb=";

}  // namespace

void restart_with_huge_pages(char** argv) {
  const char* const set = std::getenv(kVariable);
  std::string tunables = set != nullptr ? set : "";
  if (tunables.find(kTunable) != std::string::npos) return;
  tunables += (tunables.empty() ? "" : ":") + (kTunable + std::string("1"));  // 1: madvise, as the kernel has them
  if (::setenv(kVariable, tunables.c_str(), 1) == 0) ::execv("/proc/self/exe", argv);
}

}  // namespace starling::sim
