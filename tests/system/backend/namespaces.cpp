#include "tests/system/backend/namespaces.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace starling::wg::test {
namespace {

FileDescriptor present_namespace() {
  FileDescriptor handle(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  REQUIRE(handle.valid());
  return handle;
}

std::string path_of(const FileDescriptor& handle) {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(handle.get());
}

FileDescriptor home;

}  // namespace

void enter_namespace() {
  if (home.valid()) return;
  if (::unshare(CLONE_NEWNET) < 0) {
    std::puts("SKIPPED: needs root (a network namespace, TUN)");
    std::fflush(stdout);
    std::_Exit(77);
  }
  home = present_namespace();
  REQUIRE(std::system("ip link set lo up") == 0);
}

std::string home_path() {
  enter_namespace();
  return path_of(home);
}

Namespace::Namespace() {
  enter_namespace();
  const FileDescriptor before = present_namespace();
  REQUIRE(::unshare(CLONE_NEWNET) == 0);
  handle_ = present_namespace();
  const int loopback = std::system("ip link set lo up");
  REQUIRE(::setns(before.get(), CLONE_NEWNET) == 0);
  REQUIRE(loopback == 0);
}

std::string Namespace::path() const {
  return path_of(handle_);
}

Namespace::Visit::Visit(const Namespace& other) : home_(present_namespace()) {
  REQUIRE(::setns(other.handle_.get(), CLONE_NEWNET) == 0);
}

Namespace::Visit::~Visit() {
  if (::setns(home_.get(), CLONE_NEWNET) < 0) std::abort();  // all that follows would happen in the wrong place
}

}  // namespace starling::wg::test
