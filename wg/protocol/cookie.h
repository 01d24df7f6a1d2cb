// The two macs at the end of handshake messages (whitepaper §5.4.4) and the cookie with which a responder under load
// makes an initiator prove its address (§5.4.7). MAC1 shows that a sender knows our public key, which costs a scanner
// more than it costs us.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/random.h"
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

  // Whether its mac2 was made with a cookie that we gave to this address and port.
  bool verify_mac2(Time now, Bytes message, const Endpoint& from) const;
  // The reply that gives `from` its cookie, in answer to this message.
  MessageCookieReply create_reply(Time now, Bytes message, const Endpoint& from, RandomSource& random);

 private:
  // R_m of the whitepaper: drawn when first needed, and anew every two minutes.
  struct Secret {
    SecretKey value;
    Time drawn;
  };

  void renew_secret(Time now, RandomSource& random);

  Hash mac1_key_;
  Hash cookie_key_;
  std::optional<Secret> secret_;
  // The one before it still counts for as long as an initiator may use a cookie made with it. So no cookie ends before
  // its owner drops it, who would else have to ask again in the middle of a flood.
  std::optional<Secret> previous_secret_;
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
  // Of the last initiation and the last response, until a reply answered it: where both sides began at once, both are
  // under way.
  std::array<std::optional<Mac>, 2> last_mac1_;
  std::optional<Cookie> cookie_;
};

}  // namespace starling::wg
