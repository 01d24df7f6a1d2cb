// How many handshake messages one source may have read while the Device is under load (whitepaper §5.3: after the
// cookie, an ordinary rate limit per address). A source is an IPv4 address or an IPv6 /64, which is what one host can
// have. Bounded: at most kMaxSources are remembered, and when there are more the new ones are refused.
//
// Forgetting is exact: a source that was silent for as long as its bucket takes to fill is no different from one never
// seen. So there are two generations of that length; a source moves to the younger one when it sends, and when the
// younger one is full of time the older one goes as a whole.
#pragma once

#include <map>

#include "base/ip.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "wg/protocol/messages.h"

namespace starling::wg {

class SourceLimiter {
 public:
  static constexpr std::size_t kMaxSources = 8192;

  // Whether one more message of this source may be read now.
  bool admit(Time now, const IpAddress& source);
  // How many sources are remembered.
  std::size_t size() const { return young_.size() + old_.size(); }

 private:
  using Buckets = std::map<IpAddress, TokenBucket>;  // ordered, so that nobody can choose addresses that collide

  void turn_generation(Time now);

  Buckets young_, old_;
  Time generation_began_{};
};

}  // namespace starling::wg
