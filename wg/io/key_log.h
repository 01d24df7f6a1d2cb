// The file in which Wireshark finds the keys of handshakes (preference wg.keylog_file), four lines for each:
//   LOCAL_STATIC_PRIVATE_KEY = …, REMOTE_STATIC_PUBLIC_KEY = …, LOCAL_EPHEMERAL_PRIVATE_KEY = …, PRESHARED_KEY = …
// all base64. Whoever reads it reads all traffic, so it is made for its owner alone (0600), never through a symbolic
// link, and each group is written at one go and left nowhere else. Source: Wireshark's packet-wireguard.c, and
// extract-handshakes.sh of wireguard-tools, which made the form.
#pragma once

#include <optional>
#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "wg/protocol/device.h"

namespace starling::wg {

class KeyLog {
 public:
  // Appends to what is there.
  static Result<KeyLog> open(const std::string& file);

  // What went wrong, if it did: the group is lost then.
  std::optional<Error> write(const DeviceOutbox::KeyLogEntry& entry);

 private:
  KeyLog(FileDescriptor fd, std::string file) : fd_(std::move(fd)), file_(std::move(file)) {}

  FileDescriptor fd_;
  std::string file_;
};

}  // namespace starling::wg
