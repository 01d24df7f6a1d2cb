#include "wg/io/background.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace starling::wg {
namespace {

constexpr char kReady = '\0';  // no error message begins so

// Nothing at all from the child means that it died.
[[noreturn]] void wait_for_report(int report) {
  std::string message;
  std::array<char, 512> chunk;
  ssize_t got = 0;
  while ((got = ::read(report, chunk.data(), chunk.size())) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0) message.append(chunk.data(), static_cast<std::size_t>(got));
  }
  if (message == std::string(1, kReady)) std::_Exit(EXIT_SUCCESS);
  std::fprintf(stderr, "%s\n", message.empty() ? "starling-wg: ended before the interface was ready" : message.c_str());
  std::_Exit(EXIT_FAILURE);
}

void write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t wrote = ::write(fd, bytes, size);
    if (wrote < 0 && errno != EINTR) return;
    if (wrote < 0) continue;
    bytes += wrote;
    size -= static_cast<std::size_t>(wrote);
  }
}

}  // namespace

Background Background::enter() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child > 0) {
    writing.reset();
    wait_for_report(reading.get());
  }
  (void)::setsid();
  return Background(std::move(writing));
}

void Background::ready() {
  (void)!::chdir("/");
  const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) (void)::dup2(null.get(), standard);
  write_all(report_.get(), &kReady, 1);
  report_.reset();
}

void Background::failed(const std::string& message) {
  write_all(report_.get(), message.data(), message.size());
  report_.reset();
}

}  // namespace starling::wg
