// Cookie replies (whitepaper §5.4.7) to an initiation that the Device has sent: raw bytes, the right index with forged
// contents, and the real reply, changed on its way. Whether a cookie was taken shows in mac2 of the next initiation.
#include <sodium.h>

#include <cstddef>

#include "tests/fuzz/handshake_ends.h"
#include "tests/fuzz/tamper.h"

using namespace starling;
using namespace starling::fuzz;

namespace {

constexpr std::uint8_t kReplyType[4] = {3, 0, 0, 0};

wg::Hash cookie_key() {
  return wg::hash({wg::as_bytes(wg::kLabelCookie), HandshakeEnds::get().peer.public_key.bytes});
}

wg::MessageInitiation take_initiation(wg::Device& device) {
  wg::MessageInitiation initiation;
  FUZZ_CHECK(device.outbox().datagrams.size() == 1);
  FUZZ_CHECK(device.outbox().datagrams[0].bytes.size() == sizeof initiation);
  std::memcpy(&initiation, device.outbox().datagrams[0].bytes.data(), sizeof initiation);
  device.outbox().clear();
  return initiation;
}

// Sealed as the peer does it: XAEAD(HASH(LABEL_COOKIE || Spub), nonce, cookie, mac1).
std::vector<std::uint8_t> real_reply(const wg::MessageInitiation& initiation, Bytes nonce, const wg::Mac& cookie) {
  const wg::Hash key = cookie_key();
  wg::MessageCookieReply reply;
  reply.receiver = initiation.sender;
  std::copy(nonce.begin(), nonce.end(), reply.nonce.begin());
  crypto_aead_xchacha20poly1305_ietf_encrypt(reply.encrypted_cookie.data(), nullptr, cookie.data(), cookie.size(),
                                             initiation.mac1.data(), initiation.mac1.size(), nullptr,
                                             reply.nonce.data(), key.data());
  return to_bytes(reply);
}

std::vector<std::uint8_t> next_attack(FuzzInput& input, const wg::MessageInitiation& initiation,
                                      const wg::Mac& cookie) {
  switch (input.below(4)) {
    case 0: {
      const Bytes raw = input.take(input.u8());
      return {raw.begin(), raw.end()};
    }
    case 1: {
      std::vector<std::uint8_t> datagram = input.padded(sizeof(wg::MessageCookieReply));
      const wg::MessageCookieReply header{.receiver = initiation.sender};
      std::memcpy(datagram.data(), &header, 8);
      return datagram;
    }
    default: {
      std::vector<std::uint8_t> datagram = real_reply(initiation, input.padded(24), cookie);
      tamper(input, datagram);
      return datagram;
    }
  }
}

// The cookie in a reply to this very initiation, if it is one. (A fuzzer finds even that: it watches comparisons.)
std::optional<wg::Mac> open_reply(const wg::MessageInitiation& initiation, Bytes datagram) {
  wg::MessageCookieReply reply;
  if (datagram.size() != sizeof reply || !std::equal(datagram.begin(), datagram.begin() + 4, kReplyType)) return {};
  std::memcpy(&reply, datagram.data(), sizeof reply);
  if (reply.receiver.value() != initiation.sender.value()) return {};
  const wg::Hash key = cookie_key();
  wg::Mac cookie;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(cookie.data(), nullptr, nullptr, reply.encrypted_cookie.data(),
                                                 reply.encrypted_cookie.size(), initiation.mac1.data(),
                                                 initiation.mac1.size(), reply.nonce.data(), key.data()) != 0)
    return {};
  return cookie;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const HandshakeEnds& ends = HandshakeEnds::get();
  FuzzInput input(Bytes(data, size));
  SeededRandom random(7);
  wg::Device device(ends.device.private_key, random);
  Now now = kStart;
  const wg::PeerId peer = device.add_peer(now, {ends.peer.public_key, {}, ends.peer_endpoint, 0});
  device.on_packet_staged(now, peer);
  const wg::MessageInitiation initiation = take_initiation(device);
  const auto cookie_bytes = input.padded(wg::kMacSize);
  wg::Mac cookie;
  std::copy(cookie_bytes.begin(), cookie_bytes.end(), cookie.begin());
  std::optional<wg::Mac> taken;
  for (int i = 0; i < 8 && !input.empty(); i++) {
    const auto datagram = next_attack(input, initiation, cookie);
    const auto offered = open_reply(initiation, datagram);
    device.on_handshake_datagram(now, ends.peer_endpoint, datagram);
    FUZZ_CHECK(was_dropped(device.outbox()) == (!offered || taken));  // only a real one counts, and once
    if (!taken) taken = offered;
    FUZZ_CHECK(device.outbox().datagrams.empty() && device.outbox().sessions_installed.empty());
    device.outbox().clear();
  }
  now = now + (device.next_deadline() - now.monotonic);
  device.on_timer(now);
  const wg::MessageInitiation again = take_initiation(device);
  const wg::Mac expected =
      taken ? wg::mac(*taken, Bytes(to_bytes(again)).first(sizeof again - wg::kMacSize)) : wg::Mac{};
  FUZZ_CHECK(again.mac2 == expected);
  return 0;
}
