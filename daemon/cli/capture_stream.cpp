#include "daemon/cli/capture_stream.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file_descriptor.h"
#include "daemon/control/client.h"

namespace starling::daemon {

namespace {

constexpr const char* kWireguardDirectory = "/var/run/wireguard";
constexpr timeval kAnswerTime{5, 0};     // seconds
constexpr timeval kNoLimit{};            // the next packet may be long in coming
constexpr std::size_t kAnswerMax = 256;  // bytes; `errno=-16` and two newlines

class DaemonStream final : public CaptureStream {
 public:
  explicit DaemonStream(ControlClient client) : client_(std::move(client)) {}
  Result<std::string> next_bytes() override { return client_.next_bytes(); }
  int fd() const override { return client_.fd(); }

 private:
  ControlClient client_;
};

class WireguardStream final : public CaptureStream {
 public:
  explicit WireguardStream(FileDescriptor socket) : socket_(std::move(socket)) {}
  Result<std::string> next_bytes() override {
    std::string bytes(65536, '\0');
    ssize_t size = -1;
    do size = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    while (size < 0 && errno == EINTR);
    if (size < 0) return Error{std::strerror(errno)};
    bytes.resize(static_cast<std::size_t>(size));
    return bytes;
  }
  int fd() const override { return socket_.get(); }

 private:
  FileDescriptor socket_;
};

nlohmann::json control_request(const CaptureChoice& choice) {
  return {{"command", "capture"},  {"control_only", choice.control_only}, {"dropped", choice.dropped},
          {"peers", choice.peers}, {"snap_length", choice.snap_length},   {"packets", choice.packets_max}};
}

std::string wireguard_request(const CaptureChoice& choice) {
  std::string text = "capture=1\n";
  if (choice.control_only) text += "control_only=true\n";
  if (choice.dropped) text += "dropped=true\n";
  if (choice.peers) text += "peers=true\n";
  return text + fmt::format("snap_length={}\npackets={}\n\n", choice.snap_length, choice.packets_max);
}

Result<FileDescriptor> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Error{path + ": too long for a socket"};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  if (errno == EACCES) return Error{path + ": no permission; only root may ask (try sudo)"};
  return Error{fmt::format("{}: {}; does starling-wg run for it?", path, std::strerror(errno))};
}

// Byte by byte: what comes behind it is the file.
Result<std::string> read_answer(int fd, const std::string& path) {
  std::string answer;
  while (answer.find("\n\n") == std::string::npos && answer.size() < kAnswerMax) {
    char byte = 0;
    const ssize_t size = recv(fd, &byte, 1, 0);
    if (size < 0) return Error{fmt::format("{}: no answer: {}", path, std::strerror(errno))};
    if (size == 0) break;  // as wireguard-go does with what it does not know
    answer += byte;
  }
  return answer;
}

Error refusal(const std::string& path, const std::string& answer) {
  const int code = answer.starts_with("errno=-") ? std::atoi(answer.c_str() + 7) : 0;
  if (code == EBUSY) return Error{path + ": as many captures run already as may; end one of them"};
  return Error{path + ": another program than starling-wg serves it, or an older one, and makes no captures"};
}

Result<std::unique_ptr<CaptureStream>> open_wireguard(const std::string& path, const CaptureChoice& choice) {
  Result<FileDescriptor> socket = connect_to(path);
  if (!socket) return socket.error();
  const int fd = socket.value().get();
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kAnswerTime, sizeof kAnswerTime);
  const std::string request = wireguard_request(choice);
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return Error{path + ": " + std::strerror(errno)};
  const Result<std::string> answer = read_answer(fd, path);
  if (!answer) return answer.error();
  if (*answer != "errno=0\n\n") return refusal(path, *answer);
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kNoLimit, sizeof kNoLimit);
  return std::unique_ptr<CaptureStream>(std::make_unique<WireguardStream>(std::move(*socket)));
}

}  // namespace

Result<std::unique_ptr<CaptureStream>> open_capture(const DaemonChoice& daemon, const CaptureChoice& choice) {
  const Result<std::string> path = choose_control_socket(daemon.control, daemon.interface);
  if (!path) return path.error();
  if (daemon.control.empty() && !daemon.interface.empty() && !std::filesystem::exists(*path)) {
    const std::string other = fmt::format("{}/{}.sock", kWireguardDirectory, daemon.interface);
    if (std::filesystem::exists(other)) return open_wireguard(other, choice);
  }
  Result<ControlClient> client = ControlClient::connect(*path);
  if (!client) return client.error();
  const Result<nlohmann::json> started = client->request(control_request(choice));
  if (!started) return started.error();
  return std::unique_ptr<CaptureStream>(std::make_unique<DaemonStream>(std::move(*client)));
}

}  // namespace starling::daemon
