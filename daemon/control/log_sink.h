// Where a daemon's events go for keeping: standard error or a file, as text or JSON, from a level upwards. Never waits
// for a slow reader: what does not fit is dropped and counted. Lines are written with one write(2), so that several
// writers of one file do not mix them.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "daemon/control/event_log.h"

namespace starling::daemon {

class LogSink {
 public:
  static Result<std::unique_ptr<LogSink>> open(const LogConfig& config);
  ~LogSink();
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  bool wants(EventLevel level) const { return level >= config_.level; }
  // `json_line` is the event as JSON with its newline.
  void write(const nlohmann::ordered_json& event, const std::string& json_line);
  // Lines dropped since the last call that returned them.
  std::uint64_t lost() const { return lost_; }
  void forget_lost() { lost_ = 0; }
  // Whether a line can be written at once.
  bool writable() const;

 private:
  LogSink(const LogConfig& config, int fd, bool owned);

  LogConfig config_;
  int fd_;
  bool owned_;     // close it
  bool colour_;    // a terminal
  bool own_time_;  // false under journald, which adds the time itself
  std::uint64_t lost_ = 0;
};

}  // namespace starling::daemon
