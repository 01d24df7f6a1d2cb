#include "topologies/lab/sim/watchman.h"

#include <fmt/format.h>
#include <signal.h>

#include <fstream>

#include "base/system.h"

namespace starling::sim {

namespace {

constexpr Duration kProgressInterval = std::chrono::seconds(2);

volatile sig_atomic_t signal_that_came = 0;

void note_signal(int signal) {
  signal_that_came = signal;
}

Time real_time() {
  return monotonic_now();
}

}  // namespace

Watchman::Watchman(std::function<void(const std::string&)> tell)
    : tell_(std::move(tell)), began_at_(real_time()), told_at_(began_at_) {
  struct sigaction action {};
  action.sa_handler = note_signal;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

void Watchman::look() {
  if (signal_that_came != 0) throw Interrupted{signal_that_came};
  if (!tell_ || real_time() - told_at_ < kProgressInterval) return;
  tell(fmt::format("… {}{:.0f} s", subject_, elapsed_s()));
}

void Watchman::tell(const std::string& text) {
  told_at_ = real_time();
  if (tell_) tell_(text);
}

double Watchman::elapsed_s() const {
  return static_cast<double>((real_time() - began_at_).count()) / 1e9;
}

double peak_memory_mib() {
  std::ifstream status("/proc/self/status");
  std::string key;
  while (status >> key) {
    double kib = 0;
    if (key == "VmHWM:" && status >> kib) return kib / 1024;
  }
  return 0;
}

}  // namespace starling::sim
