#include "routing/origin_rates.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "routing/limits.h"
#include "routing/mix.h"

namespace starling::routing {

namespace {

constexpr std::size_t kSmallest = 16;  // cells

std::uint32_t milliseconds(Duration duration) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::milliseconds>(duration).count());
}

std::uint32_t milliseconds(Time time) {
  return milliseconds(time.time_since_epoch());
}

// Of two moments less than 24 days apart.
bool is_after(std::uint32_t a_ms, std::uint32_t b_ms) {
  return static_cast<std::int32_t>(a_ms - b_ms) > 0;
}

}  // namespace

std::uint32_t OriginRates::name_of(const NodeId& origin) const {
  return static_cast<std::uint32_t>(mix(leading_bits(origin) ^ salt_)) | 1u;
}

std::size_t OriginRates::place_of(std::uint32_t name) const {
  const std::size_t mask = cells_.size() - 1;
  std::size_t at = (name >> 1) & mask;
  while (cells_[at].origin != 0 && cells_[at].origin != name) at = (at + 1) & mask;
  return at;
}

bool OriginRates::may(const NodeId& origin, Time now) const {
  if (cells_.empty()) return true;
  const Cell& cell = cells_[place_of(name_of(origin))];
  if (cell.origin == 0) return true;
  const std::uint32_t slack_ms = milliseconds(kOriginPerToken) * (kOriginBurst - 1);
  return !is_after(cell.full_at_ms - slack_ms, milliseconds(now));
}

void OriginRates::count(const NodeId& origin, Time now) {
  const std::uint32_t now_ms = milliseconds(now);
  if (cells_.empty() || (used_ + 1) * 4 > cells_.size() * 3) rebuild(now_ms);
  const std::uint32_t name = name_of(origin);
  Cell& cell = cells_[place_of(name)];
  if (cell.origin == 0) {
    cell = {name, now_ms};
    used_++;
  }
  if (!is_after(cell.full_at_ms, now_ms)) cell.full_at_ms = now_ms;
  cell.full_at_ms += milliseconds(kOriginPerToken);
}

void OriginRates::sweep(Time now) {
  if (now < sweep_at_) return;
  sweep_at_ = now + kOriginSweep;
  if (used_ > 0) rebuild(milliseconds(now));
}

void OriginRates::rebuild(std::uint32_t now_ms) {
  const auto is_busy = [&](const Cell& cell) { return cell.origin != 0 && is_after(cell.full_at_ms, now_ms); };
  const std::size_t busy = static_cast<std::size_t>(std::count_if(cells_.begin(), cells_.end(), is_busy));
  std::size_t size = kSmallest;
  while (size < busy * 2) size *= 2;
  const std::vector<Cell> old = std::exchange(cells_, std::vector<Cell>(size));
  used_ = busy;
  for (const Cell& cell : old) {
    if (is_busy(cell)) cells_[place_of(cell.origin)] = cell;
  }
}

}  // namespace starling::routing
