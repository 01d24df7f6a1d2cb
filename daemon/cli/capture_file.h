// The blocks of a pcapng stream as it arrives in pieces: handed on whole, and counted. Whatever ends the stream, what
// was handed on is a file that others can read. Source: wg/io/pcapng.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace starling::daemon {

class CaptureFile {
 public:
  // The blocks that are whole by now. An error if these are no blocks of ours.
  Result<std::string> take(std::string_view bytes);

  std::uint64_t packets() const { return packets_; }
  // What the statistics at its end say; nothing before they came.
  std::optional<std::uint64_t> dropped() const { return dropped_; }
  bool is_complete() const { return dropped_.has_value() && rest_.empty(); }

 private:
  void count(std::string_view block);

  std::string rest_;  // the beginning of a block
  bool began_ = false;
  std::uint64_t packets_ = 0;
  std::optional<std::uint64_t> dropped_;
};

}  // namespace starling::daemon
