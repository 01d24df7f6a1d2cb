// Leaving the foreground: the program that was called returns when the interface is ready, or with the error that kept
// it from being so, and the rest goes on behind it (daemon(7), "SysV Daemons").
#pragma once

#include <string>

#include "base/file_descriptor.h"

namespace starling::wg {

class Background {
 public:
  // Forks. Returns in the child only; the parent waits for ready() or failed(), then exits 0 or 1. No thread may run
  // yet.
  static Background enter();

  // The parent exits 0; standard input, output and error go to /dev/null.
  void ready();
  // The parent prints the message and exits 1.
  void failed(const std::string& message);

 private:
  explicit Background(FileDescriptor report) : report_(std::move(report)) {}

  FileDescriptor report_;
};

}  // namespace starling::wg
