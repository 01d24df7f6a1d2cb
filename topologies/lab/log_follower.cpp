#include "topologies/lab/log_follower.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <array>

#include "topologies/lab/system_error.h"

namespace starling::lab {

using nlohmann::json;

namespace {

constexpr int kFlushInterval_ms = 25;
constexpr std::size_t kWordsMax = 10;  // lines

}  // namespace

LogFollower::LogFollower(Timeline& timeline, const std::vector<Log>& logs)
    : timeline_(timeline), inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (!inotify_ || !stop_) throw_errno("inotify");
  for (const auto& [node, path] : logs) {
    FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) throw_errno(path);
    const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY);
    if (watch < 0) throw_errno("inotify for " + path);
    files_.emplace(watch, File{node, std::move(fd), {}, {}});
  }
  thread_ = std::thread([this] { run(); });
}

LogFollower::~LogFollower() {
  const std::uint64_t one = 1;
  if (::write(stop_.get(), &one, sizeof one) == sizeof one) thread_.join();
  catch_up();
}

void LogFollower::run() {
  alignas(inotify_event) std::array<char, 65536> block;
  for (;;) {
    std::array<pollfd, 2> waits{pollfd{inotify_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    ::poll(waits.data(), waits.size(), kFlushInterval_ms);
    if (waits[1].revents != 0) return;
    const ssize_t size = ::read(inotify_.get(), block.data(), block.size());
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      std::memcpy(&event, block.data() + at, sizeof event);
      at += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0) catch_up();
      const std::scoped_lock lock(mutex_);
      if (const auto file = files_.find(event.wd); file != files_.end()) read_file(file->second);
    }
    timeline_.flush();
  }
}

void LogFollower::catch_up() {
  const std::scoped_lock lock(mutex_);
  for (auto& [watch, file] : files_) read_file(file);
}

void LogFollower::read_file(File& file) {
  std::array<char, 65536> block;
  for (ssize_t size; (size = ::read(file.fd.get(), block.data(), block.size())) > 0;) {
    file.rest.append(block.data(), static_cast<std::size_t>(size));
    std::size_t start = 0;
    for (std::size_t end; (end = file.rest.find('\n', start)) != std::string::npos; start = end + 1)
      take_line(file, file.rest.substr(start, end - start));
    file.rest.erase(0, start);
  }
}

void LogFollower::take_line(File& file, std::string line) {
  json event = json::parse(line, nullptr, false);
  if (event.is_object()) {
    event["node"] = file.node;
    return timeline_.add(std::move(event));
  }
  file.words.push_back(std::move(line));
  if (file.words.size() > kWordsMax) file.words.erase(file.words.begin());
}

std::string LogFollower::last_words(const std::string& node) const {
  const std::scoped_lock lock(mutex_);
  std::string words;
  for (const auto& [watch, file] : files_)
    if (file.node == node)
      for (const std::string& line : file.words) words += line + "\n";
  return words;
}

}  // namespace starling::lab
