#include "daemon/control/log_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "daemon/control/event_text.h"
#include "daemon/control/style.h"

namespace starling::daemon {

namespace {

// systemd sets JOURNAL_STREAM for services whose standard error is the journal, which stamps every line itself.
bool under_journald(const LogConfig& config) {
  return config.file.empty() && std::getenv("JOURNAL_STREAM") != nullptr;
}

}  // namespace

LogSink::LogSink(const LogConfig& config, int fd, bool owned)
    : config_(config), fd_(fd), owned_(owned), colour_(wants_colour(fd)), own_time_(!under_journald(config)) {}

LogSink::~LogSink() {
  if (owned_) close(fd_);
}

Result<std::unique_ptr<LogSink>> LogSink::open(const LogConfig& config) {
  if (config.file.empty()) return std::unique_ptr<LogSink>(new LogSink(config, STDERR_FILENO, false));
  // O_NONBLOCK matters for a named pipe only, which would otherwise wait for its reader here.
  const int fd = ::open(config.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
  if (fd < 0) return Error{fmt::format("cannot open the log {}: {}", config.file, std::strerror(errno))};
  return std::unique_ptr<LogSink>(new LogSink(config, fd, true));
}

bool LogSink::writable() const {
  // Standard error may be a pipe that others share, so it cannot be made non-blocking; a pipe that polls writable takes
  // PIPE_BUF bytes, which is more than a line, without waiting.
  pollfd entry{fd_, POLLOUT, 0};
  return poll(&entry, 1, 0) == 1 && (entry.revents & (POLLERR | POLLNVAL)) == 0 && (entry.revents & POLLOUT) != 0;
}

void LogSink::write(const nlohmann::ordered_json& event, const std::string& json_line) {
  std::string text;
  if (config_.format == LogConfig::Format::text) {
    EventTextOptions options;
    options.clock = own_time_ ? EventTextOptions::Clock::wall : EventTextOptions::Clock::none;
    options.colour = colour_;
    text = event_text(event, options) + '\n';
  }
  const std::string& line = config_.format == LogConfig::Format::text ? text : json_line;
  if (!writable() || ::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ++lost_;
}

}  // namespace starling::daemon
