#include "daemon/control/event_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/control/format.h"
#include "daemon/control/log_sink.h"

namespace starling::daemon {

using nlohmann::ordered_json;

namespace {

ordered_json make_event(const std::string& node, EventLevel level, std::string_view name, const ordered_json& fields,
                        const ordered_json& cause, Now now) {
  ordered_json event{{"time", format_wall_time(now.wall)},
                     {"mono_ns", now.monotonic.time_since_epoch().count()},
                     {"node", node},
                     {"event", name},
                     {"level", to_string(level)}};
  if (fields.is_object()) event.insert(fields.begin(), fields.end());
  event["cause"] = cause;
  return event;
}

std::string to_line(const ordered_json& event) {
  return event.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

ordered_json cause_none() {
  return {{"kind", "none"}};
}
ordered_json cause_timer() {
  return {{"kind", "timer"}};
}
ordered_json cause_neighbor(std::string_view neighbor) {
  return {{"kind", "neighbor"}, {"neighbor", neighbor}};
}
ordered_json cause_announcement(std::string_view origin, std::uint16_t fragment, std::uint64_t sequence) {
  return {{"kind", "announcement"}, {"origin", origin}, {"fragment", fragment}, {"sequence", sequence}};
}

EventLog::EventLog(std::string node) : node_(std::move(node)) {}
EventLog::~EventLog() = default;

Result<std::unique_ptr<EventLog>> EventLog::open(std::string node, const LogConfig& config) {
  Result<std::unique_ptr<LogSink>> sink = LogSink::open(config);
  if (!sink) return sink.error();
  auto log = std::make_unique<EventLog>(std::move(node));
  log->sink_ = std::move(sink).value();
  return log;
}

void EventLog::publish(EventLevel level, std::string_view name, const ordered_json& fields, const ordered_json& cause,
                       Now now) {
  const ordered_json event = make_event(node_, level, name, fields, cause, now);
  const EventLine line = std::make_shared<const std::string>(to_line(event));
  remembered_.push_back(line);
  if (remembered_.size() > kRememberedEvents) remembered_.pop_front();
  for (EventWatcher* const watcher : watchers_) watcher->on_event(line);
  if (sink_ == nullptr || !sink_->wants(level)) return;
  if (sink_->lost() > 0 && sink_->writable()) {
    const ordered_json lost =
        make_event(node_, EventLevel::warning, "log.lost", {{"count", sink_->lost()}}, cause_none(), now);
    sink_->forget_lost();
    sink_->write(lost, to_line(lost));
  }
  sink_->write(event, *line);
}

void EventLog::publish(EventLevel level, std::string_view name, const ordered_json& fields, Now now) {
  publish(level, name, fields, cause_none(), now);
}

EventLine EventLog::render(EventLevel level, std::string_view name, const ordered_json& fields,
                           const ordered_json& cause, Now now) const {
  return std::make_shared<const std::string>(to_line(make_event(node_, level, name, fields, cause, now)));
}

void EventLog::attach(EventWatcher& watcher) {
  watchers_.push_back(&watcher);
}
void EventLog::detach(EventWatcher& watcher) {
  std::erase(watchers_, &watcher);
}

}  // namespace starling::daemon
