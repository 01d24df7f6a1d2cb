#include "wg/io/log.h"

#include <fmt/format.h>
#include <syslog.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace starling::wg {

Log::Log(std::string name, bool to_syslog) : name_(std::move(name)), to_syslog_(to_syslog) {
  const char* const wanted = std::getenv("LOG_LEVEL");
  const std::string_view level = wanted == nullptr ? "verbose" : wanted;
  if (level == "error") level_ = Level::error;
  if (level == "silent") level_ = Level::silent;
  if (to_syslog_) ::openlog("starling-wg", LOG_PID, LOG_DAEMON);
}

void Log::write(Level level, const std::string& line) const {
  if (level > level_) return;
  if (to_syslog_) {
    ::syslog(level == Level::error ? LOG_ERR : LOG_INFO, "%s: %s", name_.c_str(), line.c_str());
  } else {
    fmt::print(stderr, "{}: {}\n", name_, line);
  }
}

}  // namespace starling::wg
