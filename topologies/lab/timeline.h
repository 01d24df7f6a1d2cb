// The events of all nodes and of the lab itself as one story, in the order in which they happened (mono_ns: all daemons
// run on one machine, so they share that clock). Printed a moment late, so that an event that was written down first
// but read last still finds its place. Thread-safe: the log's follower, the probes and the main thread all add to it.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace starling::lab {

inline constexpr std::int64_t kReorderWindow_ns = 30'000'000;

struct LoggedEvent {
  std::int64_t mono_ns = 0;
  std::string node;  // "lab" for the lab's own
  std::string name;
  nlohmann::json body;  // whole
};

enum class Verbosity : std::uint8_t {
  nothing,  // no events
  changes,  // without those of level debug
  all,
};

class Timeline {
 public:
  struct Options {
    Verbosity verbosity = Verbosity::all;
    std::size_t node_width = 3;
    bool colour = false;
    std::string jsonl_path;  // every event, whatever the verbosity, written in the end; empty: none
  };
  explicit Timeline(Options options);  // std::runtime_error if jsonl_path cannot be written
  ~Timeline();
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  void add(nlohmann::json event);
  // One of the lab's own, such as "lab.cut".
  void add_lab(std::string_view name, std::int64_t mono_ns, nlohmann::json fields, std::string_view level = "info");
  // Prints what is older than the window; everything if `all`.
  void flush(bool all = false);
  // From here on printed times count from this moment.
  void count_from(std::int64_t mono_ns);
  // Prints no more events; they still go to the file.
  void be_quiet();

  // The newest event up to `mono_ns` that is a change of state (docs/control.md: neighbours, announcements, tables). 0
  // if none.
  std::int64_t newest_change_ns(std::int64_t mono_ns) const;
  std::vector<LoggedEvent> between(std::int64_t from_ns, std::int64_t to_ns) const;

 private:
  void print(const LoggedEvent& event);

  Options options_;
  mutable std::mutex mutex_;
  std::multimap<std::int64_t, LoggedEvent> events_;  // all, by mono_ns
  std::int64_t printed_to_ns_ = 0;
  std::vector<LoggedEvent> late_;  // older than what is printed: they come next, marked by their time
  std::int64_t zero_ns_ = 0;
  std::ofstream jsonl_;
};

}  // namespace starling::lab
