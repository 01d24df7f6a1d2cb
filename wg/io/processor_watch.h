// Does a thread that has work get a processor for it? The kernel counts how long it stood ready and none was free
// (proc(5), schedstat). Whoever shares the processors with more than they can do may be late at any moment by more than
// it ever was before: what else runs, or the host of a virtual machine, decides.
#pragma once

#include <chrono>
#include <optional>

#include "base/file_descriptor.h"
#include "base/time.h"

namespace starling::wg {

inline constexpr Duration kShortOfProcessorsLateness = std::chrono::milliseconds(100);  // to be reckoned with then

class ProcessorWatch {
 public:
  // Of the calling thread, always the same one, when it finds more work than it could do: whether it waited for most of
  // the last while. False where the kernel does not count.
  bool is_short(Time now);

 private:
  std::optional<Duration> waited() const;

  FileDescriptor file_;
  bool is_short_ = false;
  Time since_{};       // of the present while
  Duration waited_{};  // until then
};

}  // namespace starling::wg
