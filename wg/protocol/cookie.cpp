#include "wg/protocol/cookie.h"

namespace starling::wg {

namespace {

// msg.mac1 := MAC(HASH(LABEL_MAC1 || Spub), msg up to mac1)
Mac compute_mac1(const Hash& key, Bytes message) {
  return mac(key, message.first(message.size() - 2 * kMacSize));
}

}  // namespace

CookieChecker::CookieChecker(const PublicKey& own) : mac1_key_(hash({as_bytes(kLabelMac1), own.bytes})) {}

bool CookieChecker::verify_mac1(Bytes message) const {
  if (message.size() < 2 * kMacSize) return false;
  Mac received;
  std::memcpy(received.data(), message.data() + message.size() - 2 * kMacSize, kMacSize);
  return equal(received, compute_mac1(mac1_key_, message));
}

CookieGenerator::CookieGenerator(const PublicKey& peer)
    : mac1_key_(hash({as_bytes(kLabelMac1), peer.bytes})), cookie_key_(hash({as_bytes(kLabelCookie), peer.bytes})) {}

void CookieGenerator::add_macs(Time now, MutableBytes message) {
  const Mac mac1 = compute_mac1(mac1_key_, message);
  std::memcpy(message.data() + message.size() - 2 * kMacSize, mac1.data(), kMacSize);
  last_mac1_ = mac1;
  Mac mac2{};
  // msg.mac2 := MAC(cookie, msg up to mac2), or zeros
  if (cookie_ && now - cookie_->received < kCookieRefreshTime)
    mac2 = mac(cookie_->value, message.first(message.size() - kMacSize));
  std::memcpy(message.data() + message.size() - kMacSize, mac2.data(), kMacSize);
}

CookieGenerator::ReplyResult CookieGenerator::consume_reply(Time now, const MessageCookieReply& reply) {
  if (!last_mac1_) return ReplyResult::unexpected;
  // cookie := XAEAD⁻¹(HASH(LABEL_COOKIE || Spub), msg.nonce, msg.cookie, the mac1 that it answers)
  Mac value;
  if (!xaead_open(cookie_key_, reply.nonce, reply.encrypted_cookie, *last_mac1_, value))
    return ReplyResult::authentication_failed;
  cookie_ = Cookie{value, now};
  last_mac1_.reset();
  return ReplyResult::ok;
}

}  // namespace starling::wg
