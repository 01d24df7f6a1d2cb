#include "wg/protocol/cookie.h"

#include <utility>
#include <vector>

namespace starling::wg {

namespace {

// msg.mac1 := MAC(HASH(LABEL_MAC1 || Spub), msg up to mac1)
Mac compute_mac1(const Hash& key, Bytes message) {
  return mac(key, message.first(message.size() - 2 * kMacSize));
}

// msg.mac2 := MAC(cookie, msg up to mac2)
Mac compute_mac2(const Mac& cookie, Bytes message) {
  return mac(cookie, message.first(message.size() - kMacSize));
}

Mac read_mac1(Bytes message) {
  Mac mac1;
  std::memcpy(mac1.data(), message.data() + message.size() - 2 * kMacSize, kMacSize);
  return mac1;
}

Mac read_mac2(Bytes message) {
  Mac mac2;
  std::memcpy(mac2.data(), message.data() + message.size() - kMacSize, kMacSize);
  return mac2;
}

// cookie := MAC(R_m, source address and port)
Mac compute_cookie(const SecretKey& secret, const Endpoint& from) {
  std::vector<std::uint8_t> source;
  ByteWriter out(source);
  out.bytes(from.address.bytes());
  out.u16(from.port);
  return mac(secret.bytes(), source);
}

Hash mac1_key(const PublicKey& receiver) {
  return hash({as_bytes(kLabelMac1), receiver.bytes});
}

Hash cookie_key(const PublicKey& receiver) {
  return hash({as_bytes(kLabelCookie), receiver.bytes});
}

}  // namespace

CookieChecker::CookieChecker(const PublicKey& own) : mac1_key_(mac1_key(own)), cookie_key_(cookie_key(own)) {}

bool CookieChecker::verify_mac1(Bytes message) const {
  return message.size() >= 2 * kMacSize && equal(read_mac1(message), compute_mac1(mac1_key_, message));
}

bool CookieChecker::verify_mac2(Time now, Bytes message, const Endpoint& from) const {
  if (message.size() < 2 * kMacSize) return false;
  if (read_mac2(message) == Mac{}) return false;  // how a sender without a cookie says so, and most of a flood are such
  const auto verifies = [&](const std::optional<Secret>& secret) {
    return secret && now - secret->drawn < 2 * kCookieRefreshTime &&
           equal(read_mac2(message), compute_mac2(compute_cookie(secret->value, from), message));
  };
  return verifies(secret_) || verifies(previous_secret_);
}

void CookieChecker::renew_secret(Time now, RandomSource& random) {
  if (secret_ && now - secret_->drawn < kCookieRefreshTime) return;
  previous_secret_ = std::move(secret_);
  secret_ = Secret{{}, now};
  random.fill(secret_->value.mutable_bytes());
}

MessageCookieReply CookieChecker::create_reply(Time now, Bytes message, const Endpoint& from, RandomSource& random) {
  renew_secret(now, random);
  MessageCookieReply reply;
  // The sender's index is at the same place in both messages.
  std::memcpy(reply.receiver.bytes.data(), message.data() + sizeof(MessageHeader), sizeof reply.receiver);
  random.fill(reply.nonce);
  // msg.cookie := XAEAD(HASH(LABEL_COOKIE || Spub), msg.nonce, cookie, the mac1 that it answers)
  xaead_seal(cookie_key_, reply.nonce, compute_cookie(secret_->value, from), read_mac1(message),
             reply.encrypted_cookie);
  return reply;
}

CookieGenerator::CookieGenerator(const PublicKey& peer) : mac1_key_(mac1_key(peer)), cookie_key_(cookie_key(peer)) {}

void CookieGenerator::add_macs(Time now, MutableBytes message) {
  const Mac mac1 = compute_mac1(mac1_key_, message);
  std::memcpy(message.data() + message.size() - 2 * kMacSize, mac1.data(), kMacSize);
  last_mac1_[message[0] == static_cast<std::uint8_t>(MessageType::response) ? 1 : 0] = mac1;
  Mac mac2{};
  if (cookie_ && now - cookie_->received < kCookieRefreshTime) mac2 = compute_mac2(cookie_->value, message);
  std::memcpy(message.data() + message.size() - kMacSize, mac2.data(), kMacSize);
}

CookieGenerator::ReplyResult CookieGenerator::consume_reply(Time now, const MessageCookieReply& reply) {
  if (!last_mac1_[0] && !last_mac1_[1]) return ReplyResult::unexpected;
  // cookie := XAEAD⁻¹(HASH(LABEL_COOKIE || Spub), msg.nonce, msg.cookie, the mac1 that it answers)
  Mac value;
  for (std::optional<Mac>& mac1 : last_mac1_) {
    if (!mac1 || !xaead_open(cookie_key_, reply.nonce, reply.encrypted_cookie, *mac1, value)) continue;
    cookie_ = Cookie{value, now};
    mac1.reset();
    return ReplyResult::ok;
  }
  return ReplyResult::authentication_failed;
}

}  // namespace starling::wg
