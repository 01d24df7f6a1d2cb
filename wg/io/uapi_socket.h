// The socket file of an interface, /var/run/wireguard/IF.sock: where `wg` looks for an implementation in user space.
// Only its owner may connect (mode 0700, as a umask of 077 makes it). A file that nobody listens at any more is
// replaced; one that is in use is an error. Invariants: whoever finds the file finds somebody listening; the file is
// removed with this object, but never another's that took its place.
// Source: https://www.wireguard.com/xplatform/#interface; unix(7), inotify(7).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace starling::wg {

inline constexpr const char* kUapiDirectory = "/var/run/wireguard";

class UapiSocket {
 public:
  static Result<UapiSocket> open(const std::string& interface, const std::string& directory = kUapiDirectory);
  // A listening socket that was handed in (WG_UAPI_FD). Its file, if it has one, counts as ours.
  static Result<UapiSocket> adopt(FileDescriptor listener);

  UapiSocket(UapiSocket&& other) noexcept;
  UapiSocket& operator=(UapiSocket&&) = delete;
  ~UapiSocket();

  int listener() const { return listener_.get(); }  // non-blocking
  // Polls readable when something has happened to the file; −1 if the kernel has no inotify left to give: look now and
  // then.
  int watch() const { return watch_.get(); }
  // The file is gone, or another's: `ip` and `wg` cannot find us any more.
  bool removed();

 private:
  UapiSocket(FileDescriptor listener, std::string path);

  FileDescriptor listener_;
  FileDescriptor watch_;
  std::string path_;  // empty: no file
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace starling::wg
