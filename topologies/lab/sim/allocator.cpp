#include "topologies/lab/sim/allocator.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace starling::sim {

namespace {

constexpr const char* kVariable = "GLIBC_TUNABLES";
constexpr const char* kPrefix = "glibc.malloc.";
constexpr const char* kTunables =
    "glibc.malloc.hugetlb=1"                 // by madvise, as the kernel has them
    ":glibc.malloc.mmap_threshold=33554432"  // bytes: tables lie among the rest, not in pages of their own
    ":glibc.malloc.tcache_max=2048"          // bytes: whole packets
    ":glibc.malloc.tcache_count=60000";      // of each size; the most is 65,535

}  // namespace

void restart_with_tuned_allocator(char** argv) {
  const char* const set = std::getenv(kVariable);
  std::string tunables = set != nullptr ? set : "";
  if (tunables.find(kPrefix) != std::string::npos) return;
  tunables += (tunables.empty() ? "" : ":") + std::string(kTunables);
  std::error_code failed;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);  // ps shows its name
  if (!failed && ::setenv(kVariable, tunables.c_str(), 1) == 0) ::execv(program.c_str(), argv);
}

}  // namespace starling::sim
