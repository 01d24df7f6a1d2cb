// The pages that `--help` prints, one for each command, written as a manual page is: what it is for, options, examples,
// exit status, files.
#pragma once

#include <string>
#include <string_view>

namespace starling::daemon {

// Of a command; of `starling` itself for "" and for any word that has no page.
std::string help_text(std::string_view command);

}  // namespace starling::daemon
