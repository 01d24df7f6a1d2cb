#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file_descriptor.h"
#include "daemon/cli/capture_file.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/control/client.h"

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

nlohmann::json request_of(const CaptureChoice& choice) {
  return {{"command", "capture"},
          {"control_only", choice.control_only},
          {"dropped", choice.dropped},
          {"peers", choice.peers},
          {"snap_length", choice.snap_length},
          {"packets", choice.packets_max}};
}

// Until the engine has completed the file, or what came is not one.
std::optional<Error> copy(ControlClient& client, int output, const std::string& file, CaptureFile& capture) {
  while (true) {
    Result<std::string> bytes = client.next_bytes();
    if (!bytes) return bytes.error();
    if (bytes->empty()) break;
    const Result<std::string> blocks = capture.take(*bytes);
    if (!blocks) return blocks.error();
    if (auto failed = write_all(output, *blocks, file)) return failed;
  }
  if (!capture.is_complete()) return Error{"the connection ended before the capture did; starlingd is gone"};
  return std::nullopt;
}

std::string summary(const CaptureFile& capture, const std::string& file) {
  std::string text = fmt::format("{} packet{} captured", capture.packets(), capture.packets() == 1 ? "" : "s");
  if (file != kStandardOutput) text += " into " + file;
  if (capture.dropped().value_or(0) == 0) return text;
  return text + fmt::format("; {} more were not: {} was read too slowly", *capture.dropped(),
                            file == kStandardOutput ? "the output" : file);
}

Result<ControlClient> start(const DaemonChoice& daemon, const CaptureChoice& choice) {
  const Result<std::string> path = choose_control_socket(daemon.control, daemon.interface);
  if (!path) return path.error();
  Result<ControlClient> client = ControlClient::connect(*path);
  if (!client) return client;
  const Result<nlohmann::json> started = client->request(request_of(choice));
  if (!started) return started.error();
  return client;
}

std::optional<Error> capture_into(const DaemonChoice& daemon, const CaptureChoice& choice) {
  Result<ControlClient> client = start(daemon, choice);
  if (!client) return client.error();
  // Not before the daemon has agreed: what is in the file stays there if it does not.
  const Result<FileDescriptor> output = open_output(choice.file);
  if (!output) return output.error();
  end_on_interrupt(client->fd());
  CaptureFile capture;
  std::optional<Error> error = copy(*client, output.value().get(), choice.file, capture);
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
