// Set-up that fails ends the run: an exception that names what failed, in the kernel's words.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace starling::lab {

[[noreturn]] inline void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace starling::lab
