// Whether a Device is under load (whitepaper §5.3 leaves the measure to the implementation): more handshake messages
// come than can be read, each of which costs Diffie-Hellman functions. Others look at the length of their queue; here
// it is a queue that exists only as a number, so that it is exact in virtual time: it takes 128 messages and empties at
// 1000 a second. Where one does not fit, and for a second after, the Device is under load. Refused messages do not
// lengthen it, so load ends a second after the flood. On a machine that cannot read 1000 a second it is whoever reads
// the socket that sees them pile up, and says so.
#pragma once

#include "base/time.h"
#include "base/token_bucket.h"
#include "wg/protocol/messages.h"

namespace starling::wg {

class HandshakeLoad {
 public:
  // A message with a valid mac1 came: whether the Device is under load with it.
  bool arrived(Time now) {
    if (!queue_.take(now)) under_load_until_ = now + kUnderLoadTime;
    return now < under_load_until_;
  }

  // Messages wait in front of the Device, too many to be read in time.
  void piled_up(Time now) { under_load_until_ = now + kUnderLoadTime; }

 private:
  TokenBucket queue_{kHandshakeQueueSize, kHandshakeDrainTime};
  Time under_load_until_{};
};

}  // namespace starling::wg
