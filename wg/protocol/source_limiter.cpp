#include "wg/protocol/source_limiter.h"

#include <utility>

namespace starling::wg {

namespace {

constexpr int kIpv6SourceLength = 64;  // bits
constexpr Duration kRefillTime = kSourceBurst * kSourceInterval;

IpAddress source_of(const IpAddress& address) {
  return address.is_v6() ? Prefix(address, kIpv6SourceLength).address() : address;
}

}  // namespace

void SourceLimiter::turn_generation(Time now) {
  const Duration age = now - generation_began_;
  if (age < kRefillTime) return;
  old_ = age < 2 * kRefillTime ? std::move(young_) : Buckets{};
  young_.clear();
  generation_began_ = now;
}

bool SourceLimiter::admit(Time now, const IpAddress& address) {
  turn_generation(now);
  const IpAddress source = source_of(address);
  if (auto node = old_.extract(source)) young_.insert(std::move(node));
  auto found = young_.find(source);
  if (found == young_.end()) {
    if (size() >= kMaxSources) return false;
    found = young_.emplace(source, TokenBucket(kSourceBurst, kSourceInterval)).first;
  }
  return found->second.take(now);
}

}  // namespace starling::wg
