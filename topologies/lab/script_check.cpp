#include "topologies/lab/script_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace starling::lab {

std::vector<Event> check_script(const Topology& topology, std::vector<ScriptedEvent> script, daemon::ErrorSink& sink) {
  std::stable_sort(script.begin(), script.end(),
                   [](const ScriptedEvent& a, const ScriptedEvent& b) { return a.event.at_ms < b.event.at_ms; });
  std::vector<bool> whole(topology.links.size(), true);
  std::vector<bool> running(topology.nodes.size(), true);
  std::vector<Event> events;
  for (const auto& [event, pointer] : script) {
    // What it is about must be whole (or running) before cut, down and stop, and must not be before restore and start.
    const bool breaks = event.kind != Event::Kind::restore && event.kind != Event::Kind::start;
    std::vector<bool>& state = event.is_about_link() ? whole : running;
    if (state[event.target] != breaks)
      sink.add(daemon::child_pointer(pointer, to_string(event.kind)),
               event.is_about_link() ? fmt::format("link {} is {} at {} ms; {}", topology.link_name(event.target),
                                                   breaks ? "already cut or down" : "whole", event.at_ms,
                                                   breaks ? "restore it first" : "cut it or take it down first")
                                     : fmt::format("node {} {} at {} ms; {}", topology.nodes[event.target].name,
                                                   breaks ? "is already stopped" : "runs", event.at_ms,
                                                   breaks ? "start it first" : "stop it first"));
    state[event.target] = !breaks;
    events.push_back(event);
  }
  return events;
}

}  // namespace starling::lab
