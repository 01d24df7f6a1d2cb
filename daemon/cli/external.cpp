#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "daemon/cli/arguments.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/config/config_error.h"

namespace starling::daemon {

namespace {

// Only what can be part of a program's name: no path, no option.
bool is_word(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// Returns only if there is no such program.
void become(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  // Beside our own first, so that a build folder uses its own programs.
  std::error_code failed;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (!failed) execv((self.parent_path() / program).c_str(), pointers.data());
  execvp(program.c_str(), pointers.data());
}

}  // namespace

int run_external(const std::string& word, const std::vector<std::string>& arguments) {
  const bool simulated = word == "sim";
  const std::string program = "starling-" + (simulated ? std::string("lab") : word);
  std::vector<std::string> all = arguments;
  if (simulated) all.insert(all.begin(), word);
  if (is_word(word)) become(program, all);

  std::vector<std::string_view> known(command_names().begin(), command_names().end());
  known.insert(known.end(), {"lab", "sim"});
  const bool ours = std::find(known.begin(), known.end(), word) != known.end();
  const std::string_view nearest = ours ? std::string_view{} : nearest_word(word, known);
  print_error(
      ours ? fmt::format("`{}` needs the program {}, which is neither beside this one nor in PATH", word, program)
           : fmt::format("`{}` is no command, and there is no program starling-{} either{}", word, word,
                         nearest.empty() ? "" : fmt::format("; did you mean `{}`?", nearest)));
  print_error("see `starling --help`");
  return kExitUsage;
}

}  // namespace starling::daemon
