// Looks up from a simulation now and then: at the terminal (progress, if it takes long) and at signals (Ctrl-C ends a
// run cleanly). The only part of the simulator that knows what time it really is.
#pragma once

#include <functional>
#include <string>

#include "base/time.h"

namespace starling::sim {

// SIGINT, SIGTERM or SIGHUP came; the number is the signal's.
struct Interrupted {
  int signal;
};

class Watchman {
 public:
  // `tell` prints a line; empty: be quiet.
  explicit Watchman(std::function<void(const std::string&)> tell);

  // Throws Interrupted if a signal came; tells of progress if nothing was told for two seconds.
  void look();
  void tell(const std::string& text);
  // What the lines of progress that look() tells begin with.
  void set_subject(std::string subject) { subject_ = std::move(subject); }
  double elapsed_s() const;

 private:
  std::function<void(const std::string&)> tell_;
  std::string subject_;
  Time began_at_;
  Time told_at_;
};

// The most memory that this process ever held, in MiB; 0 where the kernel does not say.
double peak_memory_mib();

}  // namespace starling::sim
