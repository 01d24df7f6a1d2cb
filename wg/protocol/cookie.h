// The two macs at the end of handshake messages (whitepaper §5.4.4) and the cookie with which a responder under load
// makes an initiator prove its address (§5.4.7). MAC1 shows that a sender knows our public key, which costs a scanner
// more than it costs us.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/key.h"
#include "base/time.h"
#include "wg/protocol/crypto.h"
#include "wg/protocol/messages.h"

namespace starling::wg {

// The receiver's half, for messages to our own public key.
class CookieChecker {
 public:
  explicit CookieChecker(const PublicKey& own);

  // `message` is an initiation or a response, whole.
  bool verify_mac1(Bytes message) const;

 private:
  Hash mac1_key_;
};

// The sender's half, one per peer.
class CookieGenerator {
 public:
  explicit CookieGenerator(const PublicKey& peer);

  // Fills mac1, and mac2 if a cookie not older than kCookieRefreshTime is there, zeros otherwise.
  void add_macs(Time now, MutableBytes message);

  enum class ReplyResult : std::uint8_t { ok, unexpected, authentication_failed };
  // Takes the cookie for the following messages. `unexpected` if no message is out that it could answer.
  ReplyResult consume_reply(Time now, const MessageCookieReply& reply);

 private:
  struct Cookie {
    Mac value;
    Time received;
  };

  Hash mac1_key_;
  Hash cookie_key_;
  std::optional<Mac> last_mac1_;  // of the last message, until a reply answered it
  std::optional<Cookie> cookie_;
};

}  // namespace starling::wg
