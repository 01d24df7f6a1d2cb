#include "daemon/config/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace starling::daemon {

namespace {

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<SecretKey> read_key_file(const std::string& path) {
  const OpenFile file(path);
  struct stat status {};
  if (file.fd() < 0 || fstat(file.fd(), &status) != 0)
    return Error{fmt::format("{} cannot be read: {}; name a file made by `starling keygen`", path, strerror(errno))};
  // A secret that others can read is none; ssh refuses such keys too.
  if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{fmt::format("{0} can be read by others than its owner (mode {1:04o}); run: chmod 600 {0}", path,
                             status.st_mode & 07777)};
  std::array<char, 256> text{};
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.fd(), text.data() + size, text.size() - size);
    if (got < 0) {
      explicit_bzero(text.data(), text.size());
      return Error{fmt::format("{} cannot be read: {}; name a file made by `starling keygen`", path, strerror(errno))};
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  std::string_view line(text.data(), size);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  auto key = parse_secret_key(line);
  explicit_bzero(text.data(), text.size());
  if (!key || key->is_zero())
    return Error{fmt::format(
        "{} holds no private key; it must be one line of 44 characters, as `starling keygen` prints", path)};
  return std::move(*key);
}

}  // namespace starling::daemon
