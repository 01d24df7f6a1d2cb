// Standard output and the way in which errors are said: "starling: what is wrong", on standard error.
#pragma once

#include <string_view>

namespace starling::daemon {

// Writes at once and whole. A closed pipe (`| head`) ends the program quietly; another failure (disk full) ends it with
// kExitFailed and says so.
void print(std::string_view text);

void print_error(std::string_view message);
// The same for what went as it should and is not the output.
void print_note(std::string_view message);

}  // namespace starling::daemon
