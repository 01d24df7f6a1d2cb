#include "topologies/lab/workspace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "topologies/lab/network_namespace.h"
#include "topologies/lab/pidfd.h"
#include "topologies/lab/system_error.h"

namespace starling::lab {

using nlohmann::json;

namespace {

constexpr auto kGraceForDaemons = std::chrono::milliseconds(3000);
constexpr auto kGraceForKilled = std::chrono::milliseconds(3000);

std::string folder_of(const std::string& name) {
  return std::string(kWorkspaceRoot) + "/" + name;
}

std::string lock_path_of(const std::string& name) {
  return folder_of(name) + ".lock";
}

// The lock, or nothing if somebody has it. A lock file may be unlinked by its holder, so having locked a file that no
// longer bears the name means nothing.
FileDescriptor try_lock(const std::string& name) {
  const std::string path = lock_path_of(name);
  for (;;) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) throw_errno(path);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return {};
    struct stat mine {
    }, named{};
    if (::fstat(file.get(), &mine) == 0 && ::stat(path.c_str(), &named) == 0 && mine.st_ino == named.st_ino)
      return file;
  }
}

void write_file(const std::string& path, const std::string& content) {
  const std::string fresh = path + ".new";
  std::ofstream(fresh) << content;
  std::filesystem::rename(fresh, path);  // a reader sees all of it or nothing
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void wait_for_end(const std::vector<pid_t>& processes, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (const pid_t pid : processes) {
    const FileDescriptor handle = open_process(pid);
    if (!handle) continue;  // gone
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd wait{handle.get(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
  }
}

// Only processes that live in the lab's namespaces are ever signalled, whatever a pid file says.
void end_processes(const LabRecord& record) {
  std::vector<pid_t> living = processes_in(record.namespaces);
  std::vector<pid_t> daemons;
  for (const std::string& node : record.nodes) {
    const pid_t pid = static_cast<pid_t>(std::atol(read_file(folder_of(record.name) + "/" + node + "/pid").c_str()));
    if (std::find(living.begin(), living.end(), pid) != living.end()) daemons.push_back(pid);
  }
  for (const pid_t pid : daemons) ::kill(pid, SIGTERM);
  wait_for_end(daemons, kGraceForDaemons);
  living = processes_in(record.namespaces);
  for (const pid_t pid : living) ::kill(pid, SIGKILL);
  wait_for_end(living, kGraceForKilled);
}

}  // namespace

bool read_lab_record(const std::string& name, LabRecord& record) {
  const json document = json::parse(read_file(folder_of(name) + "/lab.json"), nullptr, false);
  if (!document.is_object()) return false;
  record.name = name;
  record.kept = std::filesystem::exists(folder_of(name) + "/kept");
  record.nodes = document.at("nodes").get<std::vector<std::string>>();
  record.namespaces = document.at("namespaces").get<std::vector<std::string>>();
  return true;
}

void clean_up(const std::string& name) {
  LabRecord record;
  if (read_lab_record(name, record)) {
    end_processes(record);
    for (const std::string& network_namespace : record.namespaces) remove_namespace(network_namespace);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_of(name), ignored);
  ::unlink(lock_path_of(name).c_str());
}

std::string take_down(const std::string& name) {
  if (!std::filesystem::exists(lock_path_of(name))) return fmt::format("lab {} is not up", name);
  const FileDescriptor lock = try_lock(name);
  if (!lock) return fmt::format("lab {} is running at this moment; end it with Ctrl-C where it runs", name);
  clean_up(name);
  return {};
}

std::vector<std::string> sweep_dead_labs() {
  std::vector<std::string> swept;
  std::error_code ignored;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kWorkspaceRoot, ignored))
    if (entry.path().extension() == ".lock") names.push_back(entry.path().stem().string());
  for (const std::string& name : names) {
    const FileDescriptor lock = try_lock(name);
    if (!lock || std::filesystem::exists(folder_of(name) + "/kept")) continue;
    clean_up(name);
    swept.push_back(name);
  }
  return swept;
}

Workspace::Workspace(const std::string& topology_name, const Plan& plan) : name_(topology_name) {
  if (::mkdir(kWorkspaceRoot, 0700) != 0 && errno != EEXIST) throw_errno(kWorkspaceRoot);
  lock_ = try_lock(name_);
  if (!lock_)
    throw std::runtime_error(
        fmt::format("lab {} is running already; wait for it, or end it with Ctrl-C where it runs", name_));
  if (std::filesystem::exists(folder_of(name_) + "/kept"))
    throw std::runtime_error(fmt::format(
        "lab {} is up already, kept by an earlier run; `starling lab down {}` takes it down", name_, name_));
  // What a killed run left is ours now. The lock's name goes with it, and is taken again.
  if (std::filesystem::exists(folder_of(name_))) {
    clean_up(name_);
    lock_ = try_lock(name_);
    if (!lock_) throw std::runtime_error(fmt::format("lab {} was started by somebody else just now", name_));
  }
  json record{{"nodes", json::array()}, {"namespaces", json::array()}};
  for (const NodePlan& node : plan.nodes) {
    if (namespace_exists(node.network_namespace)) {
      ::unlink(lock_path_of(name_).c_str());
      throw std::runtime_error(
          fmt::format("there is a network namespace {} that no lab made; `ip netns del {}` if nobody needs it",
                      node.network_namespace, node.network_namespace));
    }
    record["nodes"].push_back(node.name);
    record["namespaces"].push_back(node.network_namespace);
  }
  std::filesystem::create_directories(folder_of(name_));
  ::chmod(folder_of(name_).c_str(), 0700);
  write_file(folder_of(name_) + "/lab.json", record.dump());
  for (const NodePlan& node : plan.nodes) std::filesystem::create_directory(node_folder(node.name));
}

std::string Workspace::node_folder(const std::string& node) const {
  return folder_of(name_) + "/" + node;
}

void Workspace::record_process(const std::string& node, pid_t pid) const {
  write_file(node_folder(node) + "/pid", std::to_string(pid));
}

void Workspace::keep() const {
  write_file(folder_of(name_) + "/kept", "");
}

}  // namespace starling::lab
