#include "wg/io/key_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace starling::wg {
namespace {

Error failed(const std::string& file, int error, std::string_view remedy = {}) {
  return Error{fmt::format("key log {}: {}{}", file, std::strerror(error), remedy)};
}

// Text that wipes itself; of a fixed size, so that growing leaves no copy behind.
class SecretText {
 public:
  ~SecretText() { ::explicit_bzero(bytes_.data(), bytes_.size()); }

  void add(std::string_view text) {
    std::memcpy(bytes_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void add_line(std::string_view name, Bytes key) {
    std::string base64 = to_base64(key);
    add(name);
    add(" = ");
    add(base64);
    add("\n");
    ::explicit_bzero(base64.data(), base64.size());
  }
  std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 4 * 96> bytes_{};  // four lines, the longest name with its key 75
  std::size_t size_ = 0;
};

}  // namespace

Result<KeyLog> KeyLog::open(const std::string& file) {
  FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600));
  if (!fd.valid()) return failed(file, errno, errno == ELOOP ? "; it must not be a symbolic link" : "");
  struct stat status {};
  if (::fstat(fd.get(), &status) < 0) return failed(file, errno);
  if (!S_ISREG(status.st_mode)) return Error{fmt::format("key log {}: must be a file", file)};
  if ((status.st_mode & 077) != 0) {
    return Error{fmt::format("key log {}: others can read it; chmod 600, or name another file", file)};
  }
  return KeyLog(std::move(fd), file);
}

std::optional<Error> KeyLog::write(const DeviceOutbox::KeyLogEntry& entry) {
  SecretText group;
  group.add_line("LOCAL_STATIC_PRIVATE_KEY", entry.local_static.bytes());
  group.add_line("REMOTE_STATIC_PUBLIC_KEY", entry.remote_static.bytes);
  group.add_line("LOCAL_EPHEMERAL_PRIVATE_KEY", entry.local_ephemeral.bytes());
  group.add_line("PRESHARED_KEY", entry.preshared_key.bytes());
  const ssize_t wrote = ::write(fd_.get(), group.text().data(), group.text().size());
  if (wrote < 0) return failed(file_, errno);
  if (static_cast<std::size_t>(wrote) != group.text().size()) return failed(file_, ENOSPC);
  return std::nullopt;
}

}  // namespace starling::wg
