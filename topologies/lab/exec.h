// `starling lab exec`: a command in a node of a lab that is up.
#pragma once

#include <string>
#include <vector>

namespace starling::lab {

// Replaces this process by the command, inside the node's network namespace, with the node's control socket in
// /run/starling (so that `starling show routes` there speaks of that node). Returns only if that fails: what failed.
std::string exec_in_node(const std::string& lab_name, const std::string& node, const std::vector<std::string>& command);

}  // namespace starling::lab
