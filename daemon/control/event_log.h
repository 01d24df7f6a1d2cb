// Every event of this daemon passes here once: it is made into one line of JSON, remembered (the newest
// kRememberedEvents), given to the log (text or JSON, from a level upwards) and handed to every watcher. Bounded in
// memory and never waits: a log that cannot take a line loses it, and is told by an event `log.lost` how many.
// One thread only.
#pragma once

#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "daemon/control/event_level.h"

namespace starling::daemon {

class LogSink;

inline constexpr std::size_t kRememberedEvents = 4096;

struct LogConfig {
  EventLevel level = EventLevel::info;
  enum class Format : std::uint8_t { text, json } format = Format::text;
  std::string file;  // appended to; empty: standard error
};

// One event as JSON with its newline, shared by the memory and every watcher.
using EventLine = std::shared_ptr<const std::string>;

class EventWatcher {
 public:
  virtual ~EventWatcher() = default;
  // Must neither attach, detach nor publish.
  virtual void on_event(const EventLine& line) = 0;
};

// Causes, as docs/control.md has them.
nlohmann::ordered_json cause_none();
nlohmann::ordered_json cause_timer();
nlohmann::ordered_json cause_neighbor(std::string_view neighbor);
nlohmann::ordered_json cause_announcement(std::string_view origin, std::uint16_t fragment, std::uint64_t sequence);

class EventLog {
 public:
  // Without a log: remembers and feeds watchers. `node` is this node's name, in every event.
  explicit EventLog(std::string node);
  // With a log; an error names the file and what failed.
  static Result<std::unique_ptr<EventLog>> open(std::string node, const LogConfig& config);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // `fields` and `cause` are objects (nlohmann::json is taken as well); `fields` has the event's own keys only.
  void publish(EventLevel level, std::string_view name, const nlohmann::ordered_json& fields,
               const nlohmann::ordered_json& cause, Now now);
  void publish(EventLevel level, std::string_view name, const nlohmann::ordered_json& fields, Now now);

  // As publish would make it, for one watcher alone.
  EventLine render(EventLevel level, std::string_view name, const nlohmann::ordered_json& fields,
                   const nlohmann::ordered_json& cause, Now now) const;

  const std::deque<EventLine>& remembered() const { return remembered_; }
  void attach(EventWatcher& watcher);  // from the next event on
  void detach(EventWatcher& watcher);

 private:
  std::string node_;
  std::unique_ptr<LogSink> sink_;
  std::deque<EventLine> remembered_;
  std::vector<EventWatcher*> watchers_;
};

}  // namespace starling::daemon
