// Runs one of the machine's own tools (ip, nft) to its end.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace starling::lab {

struct CommandOutcome {
  int status = 0;      // as a shell has it: 127 not found, 128 + n killed by signal n
  std::string output;  // standard output and error together
};

// A command under way. Everything is prepared before fork, so that a program with threads may start one.
class Command {
 public:
  // `input` is its standard input; with `namespace_fd` it runs inside that network namespace.
  Command(std::vector<std::string> arguments, const std::string& input, int namespace_fd = -1);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();

  CommandOutcome wait();
  // wait(), and std::runtime_error with the command's own words if it did not end with 0.
  void require();

 private:
  std::vector<std::string> arguments_;
  int output_ = -1;  // a memory file that the command writes to
  pid_t pid_ = -1;
};

}  // namespace starling::lab
