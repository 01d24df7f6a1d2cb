#include "daemon/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "daemon/cli/commands.h"

namespace starling::daemon {

namespace {

// False, with errno, when the descriptor takes no more.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(fd, text.data(), text.size());
    if (size >= 0) {
      text.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

void print(std::string_view text) {
  if (write_all(STDOUT_FILENO, text)) return;
  const int code = errno;
  // SIGPIPE may be ignored by whoever started us; the quiet end is the same.
  if (code == EPIPE) std::exit(kExitOk);
  print_error(std::string("cannot write to standard output: ") + std::strerror(code));
  std::exit(kExitFailed);
}

void print_error(std::string_view message) {
  // If standard error is gone too there is nobody left to tell.
  write_all(STDERR_FILENO, "starling: " + std::string(message) + '\n');
}

void print_note(std::string_view message) {
  print_error(message);
}

}  // namespace starling::daemon
