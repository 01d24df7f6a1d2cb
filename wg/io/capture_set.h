// The captures of one engine (capture.h), at most kCapturesMax at a time. While none runs, a packet costs one
// comparison.
//
// What their sockets want (room to write, a reader that ends or is gone) is gathered behind one descriptor, so that the
// engine's loop has one more thing to wait for and not one for each. Engine's thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "wg/io/capture.h"

namespace starling::wg {

inline constexpr std::size_t kCapturesMax = 4;

class CaptureSet {
 public:
  CaptureSet();  // std::system_error if the kernel gives no epoll
  ~CaptureSet();

  // Readable when on_ready() has something to do.
  int fd() const { return epoll_.get(); }

  // Anything that the reader sends, and the end of its sending side, completes the file.
  std::optional<Error> start(FileDescriptor stream, const CaptureOptions& options, const std::string& interface);
  bool is_active() const { return !captures_.empty(); }
  void add(const CapturedPacket& packet);
  void on_ready();
  // Once a turn: sends what was added, where a reader keeps up.
  void flush();

 private:
  struct Running {
    std::unique_ptr<Capture> capture;
    std::uint32_t awaited = 0;  // epoll events
  };

  void attend(Running& running);
  void remove_finished();

  FileDescriptor epoll_;
  std::vector<Running> captures_;
};

}  // namespace starling::wg
