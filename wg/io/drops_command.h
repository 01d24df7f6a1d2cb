// `starling-wg --drops IFNAME`: asks the program that serves an interface what it did not carry, and prints it.
#pragma once

#include <string>

namespace starling::wg {

// As a table with what a person can do, or as one JSON array on one line. Returns the exit status; says on standard
// error why there is nothing to show.
int show_drops(const std::string& interface, bool json);

}  // namespace starling::wg
