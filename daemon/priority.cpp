#include "daemon/priority.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/resource.h>

#include <cerrno>

#include "daemon/config/config.h"

namespace starling::daemon {

std::optional<Error> set_priority(std::optional<int> wanted) {
  const int present = ::getpriority(PRIO_PROCESS, 0);  // of ourselves: cannot fail
  const int nice = wanted.value_or(present == 0 ? kNiceDefault : present);
  if (nice == present || ::setpriority(PRIO_PROCESS, 0, nice) == 0) return std::nullopt;
  return Error{
      fmt::format("nice {} is refused: {}; it stays {}, and neighbours that get no answer while the processors are "
                  "busy take this node for dead (as root or with CAP_SYS_NICE it works)",
                  nice, strerror(errno), present)};
}

}  // namespace starling::daemon
