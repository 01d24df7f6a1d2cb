#include "base/file_descriptor.h"

#include <cerrno>
#include <system_error>

namespace starling {

FileDescriptor checked_descriptor(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return FileDescriptor(fd);
}

}  // namespace starling
