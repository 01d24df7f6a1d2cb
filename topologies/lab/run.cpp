#include "topologies/lab/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>

#include "topologies/lab/clock.h"
#include "topologies/lab/failure_story.h"
#include "topologies/lab/path_walker.h"

namespace starling::lab {

using nlohmann::json;

namespace {

constexpr std::int64_t kQuiet_ns = 40 * kNsPerMs;          // without a change: worth asking whether all is right
constexpr std::int64_t kCheckInterval_ns = 50 * kNsPerMs;  // not more often than this
constexpr std::int64_t kImpatience_ns = 500 * kNsPerMs;    // ask now and then even if changes never end
constexpr std::int64_t kProgress_ns = 2000 * kNsPerMs;

// What is to be done at one moment: ask for an expectation, or let an event happen. Questions come before events of the
// same moment.
struct Appointment {
  std::uint64_t at_ms = 0;
  bool is_event = false;
  std::size_t index = 0;

  friend auto operator<=>(const Appointment&, const Appointment&) = default;
};

std::vector<Appointment> agenda_of(const Topology& topology) {
  std::vector<Appointment> agenda;
  for (std::size_t i = 0; i < topology.events.size(); i++) agenda.push_back({topology.events[i].at_ms, true, i});
  for (std::size_t i = 0; i < topology.expectations.size(); i++)
    if (topology.expectations[i].has_moment()) agenda.push_back({topology.expectations[i].at_ms, false, i});
  std::sort(agenda.begin(), agenda.end());
  return agenda;
}

std::int64_t convergence_limit_ns(const Topology& topology) {
  std::int64_t limit_ms = kConvergenceLimit_ms;
  for (const Expectation& expectation : topology.expectations)
    if (expectation.kind == Expectation::Kind::converged_within)
      limit_ms = std::max(limit_ms, static_cast<std::int64_t>(expectation.limit_ms));
  return limit_ms * kNsPerMs;
}

class Run {
 public:
  Run(Lab& lab, bool quiet, bool colour) : lab_(lab), topology_(lab.topology()), quiet_(quiet), colour_(colour) {
    report_.expectations.resize(topology_.expectations.size());
  }

  Report play() {
    lab_.start_all();
    report_.last_start_ns = lab_.last_start_ns();
    const std::int64_t limit_ns = convergence_limit_ns(topology_);
    report_.converged_ns = await_convergence(report_.last_start_ns + limit_ns);
    if (report_.converged_ns) {
      begin_counting();
      for (const Appointment& appointment : agenda_of(topology_)) keep(appointment);
      if (pending_ > 0) await_convergence(mono_now_ns() + limit_ns);
      lab_.wait_until(std::max(mono_now_ns(), zero_ns_) + kTail_ms * kNsPerMs);
      lab_.prober().stop();
      lab_.logs().catch_up();
    }
    if (!report_.converged_ns || pending_ > 0) report_.fault = fault_;
    for (auto& [index, answer] : questions_) settle(index, answer.get());
    report_.probes = lab_.prober().records();
    judge(topology_, report_);
    tell_stories();
    return std::move(report_);
  }

 private:
  // From here on the log counts as the topology's at_ms do.
  void begin_counting() {
    zero_ns_ = mono_now_ns();
    lab_.timeline().flush(true);
    lab_.timeline().count_from(zero_ns_);
    lab_.timeline().add_lab("lab.converged", zero_ns_,
                            {{"after_ms", rounded_ms(*report_.converged_ns - report_.last_start_ns)}});
    lab_.prober().start();
  }

  void keep(const Appointment& appointment) {
    const std::int64_t at_ns = zero_ns_ + static_cast<std::int64_t>(appointment.at_ms) * kNsPerMs;
    if (pending_ > 0) await_convergence(at_ns);
    lab_.wait_until(at_ns);
    if (!appointment.is_event) return ask(appointment.index);
    report_.events.push_back({appointment.index, lab_.apply(topology_.events[appointment.index]), std::nullopt});
    pending_++;
    changed_ns_ = mono_now_ns();
  }

  void ask(std::size_t index) {
    const Expectation& expectation = topology_.expectations[index];
    if (expectation.kind == Expectation::Kind::all_reachable) {
      questions_.emplace_back(index, std::async(std::launch::async, [this, node_up = lab_.state().node_up] {
                                return ask_reachability(node_up);
                              }));
      return;
    }
    const WalkedPath walked = walk_path(lab_.plan(), lab_.links(), expectation.path.front(), expectation.path.back());
    ExpectationOutcome& outcome = report_.expectations[index];
    outcome.held = walked.nodes == expectation.path && walked.unique;
    outcome.measured = json::array();
    for (const std::size_t node : walked.nodes) outcome.measured.push_back(topology_.nodes[node].name);
    json fields{{"path", walked.to_string(lab_.plan())}};
    if (!outcome.held) fields["held"] = false;
    lab_.timeline().add_lab("lab.path", mono_now_ns(), std::move(fields), outcome.held ? "info" : "warning");
  }

  // Takes up to a second, so it is asked on a thread of its own, beside whatever else is to happen.
  ReachabilityResult ask_reachability(const std::vector<bool>& node_up) {
    ReachabilityResult result = lab_.reachability().check(node_up);
    json fields{{"reached", result.reached}, {"pairs", result.pairs}};
    if (!result.missing.empty()) fields["missing"] = result.missing;
    lab_.timeline().add_lab("lab.reachability", mono_now_ns(), std::move(fields), result.all() ? "info" : "warning");
    return result;
  }

  void settle(std::size_t index, const ReachabilityResult& result) {
    report_.expectations[index].held = result.all();
    report_.expectations[index].measured = {{"reached", result.reached}, {"pairs", result.pairs}};
  }

  // Checks whenever things have gone quiet. When all is found right, everything that happened so far has been converged
  // on since the newest change; that moment. Nothing if `limit_ns` comes first.
  std::optional<std::int64_t> await_convergence(std::int64_t limit_ns) {
    std::int64_t checked_ns = 0;
    std::int64_t told_ns = mono_now_ns();
    for (;;) {
      const std::int64_t now_ns = mono_now_ns();
      if (now_ns >= limit_ns) return std::nullopt;
      const bool is_quiet =
          now_ns - lab_.timeline().newest_change_ns(now_ns) >= kQuiet_ns && now_ns - changed_ns_ >= kQuiet_ns;
      if (now_ns - checked_ns >= (is_quiet ? kCheckInterval_ns : kImpatience_ns)) {
        fault_ = lab_.checker().find_fault(lab_.state());
        checked_ns = mono_now_ns();
        if (fault_.empty()) return converged(checked_ns);
        if (!quiet_ && checked_ns - told_ns >= kProgress_ns) {
          lab_.timeline().add_lab("lab.waiting", checked_ns, {{"for", fault_}});
          told_ns = checked_ns;
        }
      }
      lab_.wait_until(std::min(limit_ns, mono_now_ns() + 10 * kNsPerMs));
    }
  }

  std::int64_t converged(std::int64_t seen_ns) {
    lab_.logs().catch_up();
    const std::int64_t since_ns = lab_.timeline().newest_change_ns(seen_ns);
    for (EventOutcome& event : report_.events)
      if (!event.converged_ns) event.converged_ns = std::max(event.at_ns, since_ns);
    if (pending_ > 0) {
      const EventOutcome& newest = report_.events.back();
      lab_.timeline().add_lab("lab.converged", *newest.converged_ns,
                              {{"after_ms", rounded_ms(*newest.converged_ns - newest.at_ns)}});
    }
    pending_ = 0;
    return since_ns;
  }

  void tell_stories() {
    lab_.timeline().flush(true);
    if (quiet_) return;
    for (std::size_t i = 0; i < report_.events.size(); i++) {
      const EventOutcome& outcome = report_.events[i];
      const std::int64_t until_ns = i + 1 < report_.events.size() ? report_.events[i + 1].at_ns : mono_now_ns();
      const auto steps =
          tell_failure(topology_, outcome, until_ns, lab_.timeline().between(outcome.at_ns, until_ns), report_.probes);
      const std::string table = to_table(topology_, outcome, steps, colour_);
      if (!table.empty()) fmt::print("\n{}", table);
    }
    fmt::print("\n");
  }

  Lab& lab_;
  const Topology& topology_;
  const bool quiet_;
  const bool colour_;
  Report report_;
  std::int64_t zero_ns_ = 0;     // at_ms counts from here
  std::int64_t changed_ns_ = 0;  // the newest event was made to happen
  std::size_t pending_ = 0;      // events not yet converged on
  std::string fault_;            // what the newest check found
  std::vector<std::pair<std::size_t, std::future<ReachabilityResult>>> questions_;
};

}  // namespace

Report run(Lab& lab, bool quiet, bool colour) {
  return Run(lab, quiet, colour).play();
}

}  // namespace starling::lab
