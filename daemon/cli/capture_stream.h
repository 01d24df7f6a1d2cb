// Where a capture comes from: starlingd's control socket, or the configuration socket of a starling-wg (`capture=1`,
// wg/io/uapi_message.h). Either way bytes of a pcapng file until the other side closes.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "daemon/cli/commands.h"

namespace starling::daemon {

class CaptureStream {
 public:
  virtual ~CaptureStream() = default;
  // Waits for some; nothing at the end.
  virtual Result<std::string> next_bytes() = 0;
  // Shutting its sending side down completes the file.
  virtual int fd() const = 0;
};

// An interface that is named and has no starlingd may be one of starling-wg.
Result<std::unique_ptr<CaptureStream>> open_capture(const DaemonChoice& daemon, const CaptureChoice& choice);

}  // namespace starling::daemon
