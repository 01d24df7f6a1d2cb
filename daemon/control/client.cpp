#include "daemon/control/client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/system.h"

namespace starling::daemon {

using nlohmann::json;

namespace {

// A view of 10,000 announcements is about 10 MB; whoever sends more than this is no starlingd.
constexpr std::size_t kAnswerSizeMax = std::size_t{256} << 20;

Error connect_error(const std::string& path, int code) {
  switch (code) {
    case ENOENT:
      return {
          fmt::format("{}: there is no such socket; is starlingd running? (start it with `starlingd -c FILE`)", path)};
    case ECONNREFUSED:
      return {
          fmt::format("{}: nobody listens there any more; starlingd is not running (start it with "
                      "`starlingd -c FILE`)",
                      path)};
    case EACCES:
    case EPERM: return {fmt::format("{}: no permission; only root may talk to starlingd (try sudo)", path)};
    default: return {fmt::format("{}: cannot connect: {}", path, std::strerror(code))};
  }
}

// A connected socket, or minus the errno.
int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return -ENAMETOOLONG;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int code = errno;
  close(fd);
  return -code;
}

bool somebody_listens(const std::string& path) {
  const int fd = connect_to(path);
  if (fd >= 0) close(fd);
  return fd >= 0 || fd != -ECONNREFUSED;
}

std::vector<std::string> sockets_in(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(directory, failed)) {
    if (entry.path().extension() == ".sock") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

std::string control_socket_path(std::string_view interface) {
  return fmt::format("{}/{}.sock", kControlDirectory, interface);
}

Result<std::string> choose_control_socket(const std::string& control, const std::string& interface,
                                          const std::string& directory) {
  if (!control.empty()) return control;
  if (!interface.empty()) return fmt::format("{}/{}.sock", directory, interface);
  std::vector<std::string> paths = sockets_in(directory);
  if (paths.size() > 1) {
    // Those of daemons that were killed lie about; they are no choice.
    std::erase_if(paths, [](const std::string& path) { return !somebody_listens(path); });
  }
  if (paths.size() == 1) return paths.front();
  if (paths.empty()) {
    return Error{
        fmt::format("no starlingd is running: there is no socket in {} (start one with `starlingd -c FILE`, "
                    "or name its socket with --control PATH)",
                    directory)};
  }
  std::string choices;
  for (const std::string& path : paths) {
    choices += fmt::format("{}-i {}", choices.empty() ? "" : ", ", std::filesystem::path(path).stem().string());
  }
  return Error{fmt::format("several starlingd are running; say which: {}", choices)};
}

struct ControlClient::Connection {
  enum class Wait { got_data, timed_out, interrupted };

  Connection(int connected_fd, std::string socket_path) : fd(connected_fd), path(std::move(socket_path)) {}
  ~Connection() { close(fd); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The next whole line that has been read already, without its newline.
  std::optional<std::string> buffered_line() {
    const std::size_t end = input.find('\n', searched);
    if (end == std::string::npos) {
      // What is left over moves to the front only here, so that many lines read at once cost one move.
      input.erase(0, start);
      start = 0;
      searched = input.size();
      return std::nullopt;
    }
    std::string line = input.substr(start, end - start);
    start = searched = end + 1;
    return line;
  }

  Result<Wait> wait_for(short events, Time deadline) const {
    const Duration left = std::max(deadline - monotonic_now(), Duration::zero());
    const timespec limit{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    pollfd entry{fd, events, 0};
    const int ready = ppoll(&entry, 1, &limit, nullptr);
    if (ready > 0) return Wait::got_data;
    if (ready == 0) return Wait::timed_out;
    if (errno == EINTR) return Wait::interrupted;
    return Error{fmt::format("{}: poll: {}", path, std::strerror(errno))};
  }

  // Reads what is there; the caller has waited.
  std::optional<Error> read_some() {
    char chunk[65536];
    const ssize_t size = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (size > 0) {
      input.append(chunk, static_cast<std::size_t>(size));
      if (input.size() > kAnswerSizeMax) return Error{fmt::format("{}: the answer is too long", path)};
      return std::nullopt;
    }
    if (size == 0) return Error{fmt::format("{}: starlingd closed the connection", path)};
    if (errno == EAGAIN || errno == EINTR) return std::nullopt;
    return Error{fmt::format("{}: {}", path, std::strerror(errno))};
  }

  // Nothing when the deadline passed, or a signal came and `interruptible`.
  Result<std::optional<std::string>> read_line(Time deadline, bool interruptible) {
    while (true) {
      if (auto line = buffered_line()) return line;
      const Result<Wait> wait = wait_for(POLLIN, deadline);
      if (!wait) return wait.error();
      if (*wait == Wait::timed_out || (*wait == Wait::interrupted && interruptible)) {
        return std::optional<std::string>{};
      }
      if (*wait == Wait::interrupted) continue;
      if (auto failed = read_some()) return *failed;
    }
  }

  // What was read behind the last line first.
  Result<std::string> read_bytes() {
    if (start < input.size()) {
      std::string rest = input.substr(start);
      input.clear();
      start = searched = 0;
      return rest;
    }
    std::string bytes(65536, '\0');
    while (true) {
      const ssize_t size = recv(fd, bytes.data(), bytes.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return Error{fmt::format("{}: {}", path, std::strerror(errno))};
      bytes.resize(static_cast<std::size_t>(size));
      return bytes;
    }
  }

  std::optional<Error> send_all(std::string_view bytes, Time deadline) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return Error{fmt::format("{}: {}", path, std::strerror(errno))};
      const Result<Wait> wait = wait_for(POLLOUT, deadline);
      if (!wait) return wait.error();
      if (*wait == Wait::timed_out) return Error{fmt::format("{}: starlingd does not read the request", path)};
    }
    return std::nullopt;
  }

  int fd;
  std::string path;
  std::string input;
  std::size_t start = 0;     // of the first line not handed out
  std::size_t searched = 0;  // no newline between start and here
};

ControlClient::ControlClient(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
ControlClient::ControlClient(ControlClient&& other) noexcept = default;
ControlClient& ControlClient::operator=(ControlClient&& other) noexcept = default;
ControlClient::~ControlClient() = default;

Result<ControlClient> ControlClient::connect(const std::string& path) {
  const int fd = connect_to(path);
  if (fd < 0) return connect_error(path, -fd);
  return ControlClient(std::make_unique<Connection>(fd, path));
}

Result<json> ControlClient::request(const json& request, Duration timeout) {
  Connection& connection = *connection_;
  const Time deadline = monotonic_now() + timeout;
  const std::string line = request.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
  // A daemon with too many clients answers and closes before it reads: its words say more than EPIPE.
  const std::optional<Error> unsent = connection.send_all(line, deadline);
  Result<std::optional<std::string>> answer_line = connection.read_line(deadline, false);
  if (!answer_line) return unsent ? *unsent : answer_line.error();
  if (!*answer_line) {
    const double seconds = std::chrono::duration<double>(timeout).count();
    return Error{fmt::format("{}: no answer within {:g} s; starlingd is stuck or very busy", connection.path, seconds)};
  }
  json answer = json::parse(**answer_line, nullptr, false);
  if (!answer.is_object() || !answer.contains("ok") || !answer["ok"].is_boolean()) {
    return Error{fmt::format("{}: whoever answers there is no starlingd", connection.path)};
  }
  if (!answer["ok"].get<bool>()) {
    const auto message = answer.find("error");
    const bool readable = message != answer.end() && message->is_string();
    return Error{readable ? message->get<std::string>() : "starlingd refuses, and does not say why"};
  }
  const auto result = answer.find("result");
  return result == answer.end() ? json() : std::move(*result);
}

Result<json> ControlClient::show(std::string_view what, Duration timeout) {
  return request({{"command", "show"}, {"what", what}}, timeout);
}

Result<json> ControlClient::start_watch(bool replay, Duration timeout) {
  return request({{"command", "watch"}, {"replay", replay}}, timeout);
}

Result<std::optional<std::string>> ControlClient::next_event(Duration timeout) {
  const Time now = monotonic_now();
  return connection_->read_line(timeout > kNever - now ? kNever : now + timeout, true);
}

Result<std::string> ControlClient::next_bytes() {
  return connection_->read_bytes();
}

int ControlClient::fd() const {
  return connection_->fd;
}

}  // namespace starling::daemon
