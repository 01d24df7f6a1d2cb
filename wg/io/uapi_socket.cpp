#include "wg/io/uapi_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace starling::wg {
namespace {

constexpr int kBacklog = 128;
constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kSocketMode = 0700;

Error failed(const std::string& path, std::string_view what, int error) {
  const std::string_view remedy = error == EACCES || error == EPERM || error == EROFS ? "; run as root" : "";
  return Error{fmt::format("{}: {}: {}{}", path, what, std::strerror(error), remedy)};
}

bool set_address(const std::string& path, sockaddr_un& address) {
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return true;
}

FileDescriptor stream_socket() {
  return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// ECONNREFUSED is what a socket file says that its owner left behind; a full queue of one that is in use says EAGAIN.
bool answers(const sockaddr_un& address) {
  const FileDescriptor client = stream_socket();
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(client.get(), generic, sizeof address) == 0 || errno == EAGAIN || errno == EACCES;
}

bool is_socket(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

// The file gets its mode from the socket's, so no moment's umask of the whole process is needed (unix(7), Linux).
int listen_privately(int socket, const std::string& path) {
  sockaddr_un address{};
  if (!set_address(path, address)) return ENAMETOOLONG;
  (void)::unlink(path.c_str());  // of one with this process's number that was killed just here
  if (::fchmod(socket, kSocketMode) < 0) return errno;
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return errno;
  return ::listen(socket, kBacklog) < 0 ? errno : 0;
}

// Whoever finds the file finds somebody listening: wg(8) takes one that refuses for left behind, and removes it.
// EEXIST: the name is in use, or not a socket's.
int publish(const std::string& unpublished, const std::string& path) {
  sockaddr_un address{};
  if (::link(unpublished.c_str(), path.c_str()) == 0) return 0;
  if (errno != EEXIST) return errno;
  if (!is_socket(path) || !set_address(path, address) || answers(address)) return EEXIST;
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return errno;
  return ::link(unpublished.c_str(), path.c_str()) < 0 ? errno : 0;
}

}  // namespace

Result<UapiSocket> UapiSocket::open(const std::string& interface, const std::string& directory) {
  const std::string path = directory + "/" + interface + ".sock";
  sockaddr_un address{};
  if (!set_address(path, address)) return failed(path, "cannot be a socket", ENAMETOOLONG);
  if (::mkdir(directory.c_str(), kDirectoryMode) < 0 && errno != EEXIST) {
    return failed(directory, "cannot make this directory", errno);
  }
  FileDescriptor listener = stream_socket();
  if (!listener) return failed(path, "cannot make a socket", errno);
  const std::string unpublished = fmt::format("{}/.{}.{}", directory, interface, ::getpid());
  if (int error = listen_privately(listener.get(), unpublished); error != 0) {
    return failed(path, "cannot make this socket", error);
  }
  const int error = publish(unpublished, path);
  (void)::unlink(unpublished.c_str());
  if (error == EEXIST && !is_socket(path)) return Error{fmt::format("{}: exists and is no socket; remove it", path)};
  if (error == EEXIST) {
    return Error{fmt::format("{}: in use: another program serves an interface called {}", path, interface)};
  }
  if (error != 0) return failed(path, "cannot make this socket", error);
  return UapiSocket(std::move(listener), path);
}

Result<UapiSocket> UapiSocket::adopt(FileDescriptor listener) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || listening == 0) {
    return Error{fmt::format("file descriptor {}: must be a listening UNIX socket", listener.get())};
  }
  sockaddr_un address{};
  size = sizeof address;
  if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0 ||
      address.sun_family != AF_UNIX) {
    return Error{fmt::format("file descriptor {}: must be a listening UNIX socket", listener.get())};
  }
  (void)::fcntl(listener.get(), F_SETFL, ::fcntl(listener.get(), F_GETFL) | O_NONBLOCK);
  (void)::fcntl(listener.get(), F_SETFD, FD_CLOEXEC);
  const std::size_t length = size - std::min<std::size_t>(size, offsetof(sockaddr_un, sun_path));
  return UapiSocket(std::move(listener), std::string(address.sun_path, ::strnlen(address.sun_path, length)));
}

UapiSocket::UapiSocket(FileDescriptor listener, std::string path)
    : listener_(std::move(listener)), path_(std::move(path)) {
  struct stat status {};
  if (path_.empty() || ::lstat(path_.c_str(), &status) < 0) {
    path_.clear();
    return;
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
  watch_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (watch_ && ::inotify_add_watch(watch_.get(), path_.c_str(), IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) < 0) {
    watch_.reset();
  }
}

UapiSocket::UapiSocket(UapiSocket&& other) noexcept
    : listener_(std::move(other.listener_)),
      watch_(std::move(other.watch_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

UapiSocket::~UapiSocket() {
  if (!path_.empty() && !removed()) (void)::unlink(path_.c_str());
}

bool UapiSocket::removed() {
  char events[1024];
  while (watch_ && ::read(watch_.get(), events, sizeof events) > 0) {
  }
  struct stat status {};
  if (path_.empty()) return false;
  return ::lstat(path_.c_str(), &status) < 0 || status.st_dev != device_ || status.st_ino != inode_;
}

}  // namespace starling::wg
