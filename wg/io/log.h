// Where starling-wg writes its lines: standard error in the foreground, syslog in the background. LOG_LEVEL (verbose,
// the default, which debug is too; error; silent) chooses how much, as with other WireGuard implementations.
#pragma once

#include <cstdint>
#include <string>

namespace starling::wg {

class Log {
 public:
  enum class Level : std::uint8_t { silent, error, verbose };

  // The level comes from the environment's LOG_LEVEL.
  Log(std::string name, bool to_syslog);

  void info(const std::string& line) const { write(Level::verbose, line); }
  void error(const std::string& line) const { write(Level::error, line); }

 private:
  void write(Level level, const std::string& line) const;

  std::string name_;
  bool to_syslog_;
  Level level_ = Level::verbose;
};

}  // namespace starling::wg
