#include "topologies/lab/network_namespace.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <memory>
#include <set>
#include <thread>

#include "topologies/lab/system_error.h"

namespace starling::lab {

namespace {

std::string path_of(const std::string& name) {
  return "/run/netns/" + name;
}

}  // namespace

FileDescriptor open_namespace(const std::string& name) {
  FileDescriptor fd(::open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw_errno("network namespace " + name);
  return fd;
}

bool namespace_exists(const std::string& name) {
  struct stat status {};
  return ::stat(path_of(name).c_str(), &status) == 0;
}

void remove_namespace(const std::string& name) {
  ::umount2(path_of(name).c_str(), MNT_DETACH);
  ::unlink(path_of(name).c_str());
}

void in_namespace(int namespace_fd, const std::function<void()>& work) {
  std::exception_ptr failure;
  std::thread([&] {
    try {
      if (::setns(namespace_fd, CLONE_NEWNET) != 0) throw_errno("setns");
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

std::vector<pid_t> processes_in(const std::vector<std::string>& names) {
  std::set<std::pair<dev_t, ino_t>> wanted;
  struct stat status {};
  for (const std::string& name : names)
    if (::stat(path_of(name).c_str(), &status) == 0) wanted.emplace(status.st_dev, status.st_ino);

  std::vector<pid_t> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  if (!folder || wanted.empty()) return found;
  while (const dirent* entry = ::readdir(folder.get())) {
    pid_t pid = 0;
    const std::string_view text = entry->d_name;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (error != std::errc() || end != text.data() + text.size() || pid == ::getpid()) continue;
    const std::string link = "/proc/" + std::string(text) + "/ns/net";
    if (::stat(link.c_str(), &status) == 0 && wanted.contains({status.st_dev, status.st_ino})) found.push_back(pid);
  }
  return found;
}

}  // namespace starling::lab
