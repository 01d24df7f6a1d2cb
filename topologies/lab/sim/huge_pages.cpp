#include "topologies/lab/sim/huge_pages.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

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
  std::error_code failed;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);  // ps shows its name
  if (!failed && ::setenv(kVariable, tunables.c_str(), 1) == 0) ::execv(program.c_str(), argv);
}

}  // namespace starling::sim
