#include "topologies/lab/exec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "topologies/lab/network_namespace.h"
#include "topologies/lab/workspace.h"

namespace starling::lab {

namespace {

constexpr const char* kControlFolder = "/run/starling";
constexpr const char* kWireguardFolder = "/run/wireguard";

// A mount namespace of its own, with this node's /sys/class/net, control socket and socket for wg(8) in it.
bool set_up_mounts(const std::string& node_folder) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_SLAVE | MS_REC, nullptr) != 0) return false;
  ::umount2("/sys", MNT_DETACH);
  ::mount("sysfs", "/sys", "sysfs", 0, nullptr);
  ::mkdir(kControlFolder, 0755);
  ::mkdir(kWireguardFolder, 0755);
  ::mount(wireguard_folder_of(node_folder).c_str(), kWireguardFolder, nullptr, MS_BIND, nullptr);
  return ::mount(node_folder.c_str(), kControlFolder, nullptr, MS_BIND, nullptr) == 0;
}

// Our own programs come first in PATH, installed or not: `starling show` inside means this build's. Called before the
// mount namespace is left: afterwards /proc/self/exe is a path from the machine's root, which is another than ours in a
// chroot.
void put_our_programs_first() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return;
  const char* const path = ::getenv("PATH");
  ::setenv("PATH", (program.parent_path().string() + ":" + (path != nullptr ? path : "/usr/sbin:/usr/bin")).c_str(), 1);
}

}  // namespace

std::string exec_in_node(const std::string& lab_name, const std::string& node,
                         const std::vector<std::string>& command) {
  LabRecord record;
  if (!read_lab_record(lab_name, record))
    return fmt::format("lab {} is not up; `starling lab run {} --keep` brings it up", lab_name, lab_name);
  const auto found = std::find(record.nodes.begin(), record.nodes.end(), node);
  if (found == record.nodes.end())
    return fmt::format("lab {} has no node {}; its nodes are {}", lab_name, node, fmt::join(record.nodes, ", "));
  try {
    const FileDescriptor network =
        open_namespace(record.namespaces[static_cast<std::size_t>(found - record.nodes.begin())]);
    if (::setns(network.get(), CLONE_NEWNET) != 0) return fmt::format("setns: {}", ::strerror(errno));
  } catch (const std::system_error& error) {
    return error.what();
  }
  put_our_programs_first();
  if (!set_up_mounts(std::string(kWorkspaceRoot) + "/" + lab_name + "/" + node))
    return fmt::format("mounts: {}", ::strerror(errno));
  std::vector<std::string> arguments = command;
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  return fmt::format("{}: {}", command[0], ::strerror(errno));
}

}  // namespace starling::lab
