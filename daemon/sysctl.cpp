#include "daemon/sysctl.h"

#include <fstream>

namespace starling::daemon {

std::optional<int> read_sysctl(const std::string& name) {
  std::ifstream file("/proc/sys/" + name);
  int value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

bool write_sysctl(const std::string& name, int value) {
  std::ofstream file("/proc/sys/" + name);
  file << value << '\n' << std::flush;
  return file.good();
}

}  // namespace starling::daemon
