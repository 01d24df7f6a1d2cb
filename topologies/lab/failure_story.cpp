#include "topologies/lab/failure_story.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "daemon/control/table.h"
#include "topologies/lab/clock.h"

namespace starling::lab {

using nlohmann::json;

namespace {

constexpr std::size_t kNodesShown = 6;
constexpr std::int64_t kUnderWay_ns = 20 * kNsPerMs;

using Announcement = std::tuple<std::string, std::uint64_t, std::uint64_t>;  // origin, fragment, sequence

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint64_t number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

Announcement announcement_of(const json& object) {
  return {text_of(object, "origin"), number_of(object, "fragment"), number_of(object, "sequence")};
}

json cause_of(const json& event) {
  const auto found = event.find("cause");
  return found != event.end() && found->is_object() ? *found : json::object();
}

void add(StoryStep& step, const LoggedEvent& event) {
  if (!step.first_ns) step.first_ns = event.mono_ns;
  step.last_ns = event.mono_ns;
  if (std::find(step.where.begin(), step.where.end(), event.node) == step.where.end()) step.where.push_back(event.node);
}

// Follows the causes; events come in the order of time, so whatever caused one has been seen.
class Follower {
 public:
  void take(const LoggedEvent& event) {
    const std::string& name = event.name;
    const json cause = cause_of(event.body);
    if (name == "neighbor.suspect") {
      const auto suspect = event.body.find("suspect");
      if (suspect != event.body.end() && *suspect == true) add(suspected, event);
    } else if (name == "neighbor.state") {
      if (text_of(event.body, "from") == "Full" || text_of(event.body, "to") == "Full") add(detected, event);
    } else if (name == "lsa.originate") {
      if (!belongs(cause)) return;
      announcements_.insert(announcement_of(event.body));
      add(announced, event);
    } else if (name == "lsa.accept" || name == "lsa.withdraw") {
      if (announcements_.contains(announcement_of(event.body))) add(flooded, event);
    } else if (belongs(cause)) {
      if (name == "spf.run") add(computed, event);
      if (name == "egress.swap") add(swapped, event);
      if (name == "route.install" || name == "route.remove") add(installed, event);
    }
  }

  StoryStep suspected{"suspected", {}, {}, {}};  // where there is an alternate, traffic moves now
  StoryStep detected{"detected", {}, {}, {}};
  StoryStep announced{"announced", {}, {}, {}};
  StoryStep flooded{"flooded", {}, {}, {}};
  StoryStep computed{"computed", {}, {}, {}};
  StoryStep swapped{"engine swapped", {}, {}, {}};
  StoryStep installed{"kernel followed", {}, {}, {}};

 private:
  bool belongs(const json& cause) const {
    const std::string kind = text_of(cause, "kind");
    return kind == "neighbor" || (kind == "announcement" && announcements_.contains(announcement_of(cause)));
  }

  std::set<Announcement> announcements_;
};

std::string after(std::optional<std::int64_t> at_ns, std::int64_t zero_ns) {
  return at_ns ? fmt::format("{:+.1f} ms", to_ms(*at_ns - zero_ns)) : "";
}

std::string names(const std::vector<std::string>& where) {
  if (where.size() <= kNodesShown) return fmt::format("{}", fmt::join(where, ", "));
  return fmt::format("{} and {} more", fmt::join(where.begin(), where.begin() + kNodesShown, ", "),
                     where.size() - kNodesShown);
}

}  // namespace

std::vector<StoryStep> tell_failure(const Topology& topology, const EventOutcome& outcome, std::int64_t until_ns,
                                    const std::vector<LoggedEvent>& events, const std::vector<ProbeRecord>& probes) {
  std::vector<StoryStep> before, after_steps;
  for (std::size_t i = 0; i < probes.size(); i++) {
    // The longest of the outages that this event may have begun.
    std::optional<Outage> worst;
    for (const Outage& outage : probes[i].outages()) {
      // A packet under way at the moment of the event was sent before it.
      if (outage.first_lost_ns < outcome.at_ns - kUnderWay_ns || outage.first_lost_ns >= until_ns) continue;
      if (!worst || outage.length_ns() > worst->length_ns()) worst = outage;
    }
    if (!worst) continue;
    const std::string name = topology.describe(topology.probes[i]);
    before.push_back({"last good packet", worst->last_good_ns, {}, {name}});
    after_steps.push_back(
        {"first good packet", worst->recovered ? std::optional(worst->end_ns) : std::nullopt, {}, {name}});
  }
  Follower follower;
  for (const LoggedEvent& event : events) follower.take(event);
  std::vector<StoryStep> steps = std::move(before);
  for (StoryStep* step : {&follower.suspected, &follower.detected, &follower.announced, &follower.flooded,
                          &follower.computed, &follower.swapped, &follower.installed})
    steps.push_back(std::move(*step));
  steps.insert(steps.end(), after_steps.begin(), after_steps.end());
  return steps;
}

std::string to_table(const Topology& topology, const EventOutcome& outcome, const std::vector<StoryStep>& steps,
                     bool colour) {
  using daemon::Column;
  daemon::Table table({{topology.describe(topology.events[outcome.event])},
                       {"FIRST", Column::Align::right},
                       {"LAST", Column::Align::right},
                       {"STEP", Column::Align::right},
                       {"WHERE"}});
  std::optional<std::int64_t> previous_ns;
  for (const StoryStep& step : steps) {
    if (!step.first_ns && !step.last_ns && step.where.empty()) continue;  // it did not come to that
    table.add_row(
        {step.what, step.first_ns ? after(step.first_ns, outcome.at_ns) : "never", after(step.last_ns, outcome.at_ns),
         previous_ns && step.first_ns && *step.first_ns >= *previous_ns ? after(step.first_ns, *previous_ns) : "",
         names(step.where)});
    if (step.first_ns) previous_ns = step.first_ns;
  }
  return table.empty() ? "" : table.render(colour);
}

}  // namespace starling::lab
