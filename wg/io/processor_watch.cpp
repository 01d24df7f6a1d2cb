#include "wg/io/processor_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace starling::wg {
namespace {

constexpr Duration kWhile = std::chrono::milliseconds(20);
constexpr Duration kWhileMax = std::chrono::milliseconds(200);  // a longer one was no work for most of it

}  // namespace

bool ProcessorWatch::is_short(Time now) {
  if (now - since_ < kWhile) return is_short_;
  const Duration passed = now - std::exchange(since_, now);
  if (!file_.valid()) file_.reset(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  const std::optional<Duration> waited = this->waited();
  is_short_ = waited && passed <= kWhileMax && (*waited - waited_) * 2 >= passed;
  waited_ = waited.value_or(waited_);
  return is_short_;
}

// "TIME-RUN TIME-WAITED TIMES-RUN", nanoseconds.
std::optional<Duration> ProcessorWatch::waited() const {
  std::array<char, 96> text;
  const ssize_t size = ::pread(file_.get(), text.data(), text.size(), 0);
  if (size <= 0) return std::nullopt;
  const char* const end = text.data() + size;
  std::uint64_t run = 0;
  std::int64_t waited = 0;
  const auto first = std::from_chars(text.data(), end, run);
  if (first.ec != std::errc() || first.ptr == end) return std::nullopt;
  if (std::from_chars(first.ptr + 1, end, waited).ec != std::errc()) return std::nullopt;
  return Duration(waited);
}

}  // namespace starling::wg
