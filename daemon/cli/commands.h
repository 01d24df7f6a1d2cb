// The commands of `starling`, one file each. Every one returns the exit status of the program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace starling::daemon {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // the daemon cannot be reached, or says no; output cannot be written
inline constexpr int kExitUsage = 2;   // the command line or an input file is wrong

// Which daemon, as -i and --control say; both empty: the only one.
struct DaemonChoice {
  std::string interface;
  std::string control;
};

struct CaptureChoice {
  std::string file;  // "-": standard output
  bool control_only = false;
  bool dropped = false;
  bool peers = false;
  std::uint32_t snap_length = 0;  // bytes of each packet; 0: all
  std::uint32_t packets_max = 0;  // 0: no end
};

// `starling grant ACTION`; what does not belong to the action is empty or 0.
struct GrantChoice {
  std::string action;  // keygen, pubkey, request, sign, revoke, show, publish
  std::string file;
  std::string key_file;
  std::string node;
  std::vector<std::string> prefixes;
  std::string until;
  std::uint32_t days = 0;
  std::uint64_t serial = 0;
  std::string network_key;
  bool json = false;
};

int run_show(const DaemonChoice& daemon, const std::string& what, bool json);
int run_capture(const DaemonChoice& daemon, const CaptureChoice& choice);
int run_watch(const DaemonChoice& daemon, bool json, bool replay);
// Others find ways around the node, or come back. Waits until its neighbours know.
int run_drain(const DaemonChoice& daemon, bool drain, bool json);
int run_keygen();
int run_pubkey(bool of_node);  // the NodeId instead of the WireGuard key
int run_grant(const DaemonChoice& daemon, const GrantChoice& choice);
int run_check(const std::string& file);

// A word that is no command of ours: becomes the program starling-WORD, found beside our own or in PATH. Returns only
// if there is none.
int run_external(const std::string& word, const std::vector<std::string>& arguments);

}  // namespace starling::daemon
