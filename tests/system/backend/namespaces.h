// Network namespaces of the test's own. An engine stays in the one in which it was made.
#pragma once

#include <string>

#include "base/file_descriptor.h"

namespace starling::wg::test {

// The program's own namespace, in which everything happens that is not said to happen elsewhere: entered once, before
// any thread. Without the right to do it the whole program says so and is skipped.
void enter_namespace();
std::string home_path();  // of that one, for `ip link set … netns PATH`

// Another one, gone with this object and the engines in it.
class Namespace {
 public:
  Namespace();

  // For `ip link set … netns PATH`.
  std::string path() const;

  // The calling thread is in it as long as this lives.
  class Visit {
   public:
    explicit Visit(const Namespace& other);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    FileDescriptor home_;
  };

 private:
  FileDescriptor handle_;
};

}  // namespace starling::wg::test
