#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "base/file_descriptor.h"
#include "daemon/cli/capture_file.h"
#include "daemon/cli/capture_stream.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"

namespace starling::daemon {

namespace {

constexpr const char* kStandardOutput = "-";

// For the signal's handler. The engine completes the file when we end our side, and then its own.
int stream_fd = -1;

extern "C" void end_capture(int) {
  const int code = errno;
  shutdown(stream_fd, SHUT_WR);
  errno = code;
}

// A second signal ends the program as if nobody had asked.
void end_on_interrupt(int fd) {
  stream_fd = fd;
  struct sigaction action {};
  action.sa_handler = end_capture;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
}

// What is in it is other people's traffic: nobody else may read it, also where it was there before.
Result<FileDescriptor> open_output(const std::string& file) {
  if (file == kStandardOutput) return FileDescriptor(dup(STDOUT_FILENO));
  FileDescriptor fd(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  struct stat found {};
  if (fd && fstat(fd.get(), &found) == 0 && (!S_ISREG(found.st_mode) || fchmod(fd.get(), 0600) == 0)) return fd;
  return Error{fmt::format("cannot write {}: {}", file, std::strerror(errno))};
}

std::optional<Error> write_all(int fd, std::string_view bytes, const std::string& file) {
  while (!bytes.empty()) {
    const ssize_t size = write(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error{fmt::format("cannot write {}: {}", file, std::strerror(errno))};
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return std::nullopt;
}

// Until the engine has completed the file, or what came is not one.
std::optional<Error> copy(CaptureStream& stream, int output, const std::string& file, CaptureFile& capture) {
  while (true) {
    Result<std::string> bytes = stream.next_bytes();
    if (!bytes) return bytes.error();
    if (bytes->empty()) break;
    const Result<std::string> blocks = capture.take(*bytes);
    if (!blocks) return blocks.error();
    if (auto failed = write_all(output, *blocks, file)) return failed;
  }
  if (!capture.is_complete()) return Error{"the connection ended before the capture did; whoever made it is gone"};
  return std::nullopt;
}

std::string summary(const CaptureFile& capture, const std::string& file) {
  std::string text = fmt::format("{} packet{} captured", capture.packets(), capture.packets() == 1 ? "" : "s");
  if (file != kStandardOutput) text += " into " + file;
  if (capture.dropped().value_or(0) == 0) return text;
  return text + fmt::format("; {} more were not: {} was read too slowly", *capture.dropped(),
                            file == kStandardOutput ? "the output" : file);
}

std::optional<Error> capture_into(const DaemonChoice& daemon, const CaptureChoice& choice) {
  const Result<std::unique_ptr<CaptureStream>> opened = open_capture(daemon, choice);
  if (!opened) return opened.error();
  CaptureStream& stream = *opened.value();
  // Not before the engine's owner has agreed: what is in the file stays there if it does not.
  const Result<FileDescriptor> output = open_output(choice.file);
  if (!output) return output.error();
  end_on_interrupt(stream.fd());
  CaptureFile capture;
  std::optional<Error> error = copy(stream, output.value().get(), choice.file, capture);
  print_note(summary(capture, choice.file));
  return error;
}

}  // namespace

int run_capture(const DaemonChoice& daemon, const CaptureChoice& choice) {
  if (choice.file == kStandardOutput && isatty(STDOUT_FILENO) == 1) {
    print_error("a capture file is not for a terminal; say `-w FILE`, or `-w - | tcpdump -nr -`");
    return kExitUsage;
  }
  const std::optional<Error> error = capture_into(daemon, choice);
  if (error) print_error(error->message);
  return error ? kExitFailed : kExitOk;
}

}  // namespace starling::daemon
