// Plays a topology's events through on paper: puts them in order and refuses what makes no sense when its turn comes.
#pragma once

#include <string>
#include <vector>

#include "daemon/config/field_reader.h"
#include "topologies/lab/topology.h"

namespace starling::lab {

struct ScriptedEvent {
  Event event;
  std::string pointer;  // where it stands in the file
};

// The events by time, those of one moment in the order given. Errors: cutting a link that is not whole, restoring one
// that is, stopping a node that does not run, starting one that does.
std::vector<Event> check_script(const Topology& topology, std::vector<ScriptedEvent> script, daemon::ErrorSink& sink);

}  // namespace starling::lab
