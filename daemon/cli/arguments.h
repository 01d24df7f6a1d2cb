// The command line of `starling`, taken apart. The only file that knows CLI11.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/cli/commands.h"

namespace starling::daemon {

struct Arguments {
  std::string command;  // a command of ours, or a word for run_external; empty if `output` is all there is to do
  DaemonChoice daemon;
  std::string what;  // of show
  std::string file;  // of check
  CaptureChoice capture;
  GrantChoice grant;
  bool json = false;
  bool replay = false;
  bool node_id = false;  // of pubkey
  bool is_external = false;
  std::vector<std::string> rest;  // of an external command

  std::string output;       // help or version, for standard output
  std::string usage_error;  // not empty: what is wrong, for standard error
};

// "show", "watch", …: what is built in, in the order of the help.
std::span<const std::string_view> command_names();

// `arguments` without the program's own name.
Arguments parse_arguments(const std::vector<std::string>& arguments);

}  // namespace starling::daemon
