#include "topologies/lab/timeline.h"

#include <array>
#include <cstdio>
#include <stdexcept>

#include "daemon/control/event_text.h"
#include "daemon/control/format.h"
#include "topologies/lab/clock.h"

namespace starling::lab {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 9> kChanges{"neighbor.state", "lsa.originate", "lsa.accept",
                                                   "lsa.withdraw",   "lsa.expire",    "egress.swap",
                                                   "route.install",  "route.remove",  "route.restored"};

bool is_change(std::string_view name) {
  for (const std::string_view change : kChanges)
    if (change == name) return true;
  return false;
}

template <typename T>
T member(const json& event, const char* key, T otherwise) {
  const auto found = event.find(key);
  if (found == event.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>)
    return found->is_string() ? found->template get<std::string>() : otherwise;
  else
    return found->is_number_integer() ? found->template get<T>() : otherwise;
}

}  // namespace

Timeline::Timeline(Options options) : options_(std::move(options)) {
  if (options_.jsonl_path.empty()) return;
  jsonl_.open(options_.jsonl_path, std::ios::trunc);
  if (!jsonl_) throw std::runtime_error(options_.jsonl_path + " cannot be written");
}

Timeline::~Timeline() {
  if (!jsonl_.is_open()) return;
  for (const auto& [mono_ns, event] : events_)
    jsonl_ << event.body.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
}

void Timeline::add(json event) {
  LoggedEvent logged{member<std::int64_t>(event, "mono_ns", mono_now_ns()),
                     member<std::string>(event, "node", "?"),
                     member<std::string>(event, "event", "?"),
                     {}};
  logged.body = std::move(event);
  const std::scoped_lock lock(mutex_);
  if (logged.mono_ns <= printed_to_ns_) late_.push_back(logged);
  events_.emplace(logged.mono_ns, std::move(logged));
}

void Timeline::add_lab(std::string_view name, std::int64_t mono_ns, json fields, std::string_view level) {
  const Now now = system_now();
  const auto age = now.monotonic.time_since_epoch() - Duration(mono_ns);
  fields["time"] = daemon::format_wall_time(now.wall - age);
  fields["mono_ns"] = mono_ns;
  fields["node"] = "lab";
  fields["event"] = name;
  fields["level"] = level;
  add(std::move(fields));
}

void Timeline::flush(bool all) {
  const std::int64_t until = all ? INT64_MAX : mono_now_ns() - kReorderWindow_ns;
  const std::scoped_lock lock(mutex_);
  for (const LoggedEvent& event : late_) print(event);
  late_.clear();
  for (auto next = events_.upper_bound(printed_to_ns_); next != events_.end() && next->first <= until; ++next) {
    print(next->second);
    printed_to_ns_ = next->first;
  }
  std::fflush(stdout);
}

void Timeline::count_from(std::int64_t mono_ns) {
  const std::scoped_lock lock(mutex_);
  zero_ns_ = mono_ns;
}

void Timeline::be_quiet() {
  flush(true);
  const std::scoped_lock lock(mutex_);
  options_.verbosity = Verbosity::nothing;
}

void Timeline::print(const LoggedEvent& event) {
  if (options_.verbosity == Verbosity::nothing) return;
  if (options_.verbosity == Verbosity::changes && member<std::string>(event.body, "level", "info") == "debug") return;
  daemon::EventTextOptions options;
  options.clock = daemon::EventTextOptions::Clock::relative;
  options.zero_mono_ns = zero_ns_;
  options.node_width = options_.node_width;
  options.colour = options_.colour;
  std::puts(daemon::event_text(event.body, options).c_str());
}

std::int64_t Timeline::newest_change_ns(std::int64_t mono_ns) const {
  const std::scoped_lock lock(mutex_);
  auto next = events_.upper_bound(mono_ns);
  while (next != events_.begin()) {
    --next;
    if (is_change(next->second.name)) return next->first;
  }
  return 0;
}

std::vector<LoggedEvent> Timeline::between(std::int64_t from_ns, std::int64_t to_ns) const {
  const std::scoped_lock lock(mutex_);
  std::vector<LoggedEvent> found;
  for (auto next = events_.lower_bound(from_ns); next != events_.end() && next->first <= to_ns; ++next)
    found.push_back(next->second);
  return found;
}

}  // namespace starling::lab
