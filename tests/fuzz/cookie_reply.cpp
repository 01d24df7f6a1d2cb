// Cookie replies (whitepaper §5.4.7) to an initiation that the Device has sent: raw bytes, the right index with forged
// contents, and the real reply, changed on its way. Whether a cookie was taken shows in mac2 of the next initiation.
#include <sodium.h>

#include <cstddef>

#include "tests/fuzz/handshake_ends.h"
#include "tests/fuzz/tamper.h"

using namespace starling;
using namespace starling::fuzz;

namespace {

struct Attack {
  std::vector<std::uint8_t> datagram;
  bool genuine = false;
};

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
  const wg::Hash key = wg::hash({wg::as_bytes(wg::kLabelCookie), HandshakeEnds::get().peer.public_key.bytes});
  wg::MessageCookieReply reply;
  reply.receiver = initiation.sender;
  std::copy(nonce.begin(), nonce.end(), reply.nonce.begin());
  crypto_aead_xchacha20poly1305_ietf_encrypt(reply.encrypted_cookie.data(), nullptr, cookie.data(), cookie.size(),
                                             initiation.mac1.data(), initiation.mac1.size(), nullptr,
                                             reply.nonce.data(), key.data());
  return to_bytes(reply);
}

Attack next_attack(FuzzInput& input, const wg::MessageInitiation& initiation, const wg::Mac& cookie) {
  switch (input.below(4)) {
    case 0: {
      const Bytes raw = input.take(input.u8());
      return {{raw.begin(), raw.end()}, false};
    }
    case 1: {
      Attack attack{input.padded(sizeof(wg::MessageCookieReply)), false};
      const wg::MessageCookieReply header{.receiver = initiation.sender};
      std::memcpy(attack.datagram.data(), &header, 8);
      return attack;
    }
    default: {
      Attack attack{real_reply(initiation, input.padded(24), cookie), true};
      if (tamper(input, attack.datagram)) attack.genuine = false;
      return attack;
    }
  }
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
  bool taken = false;
  for (int i = 0; i < 8 && !input.empty(); i++) {
    const Attack attack = next_attack(input, initiation, cookie);
    device.on_handshake_datagram(now, ends.peer_endpoint, attack.datagram);
    const bool dropped = was_dropped(device.outbox());
    FUZZ_CHECK(dropped == (!attack.genuine || taken));  // only the real one counts, and once
    taken = taken || !dropped;
    FUZZ_CHECK(device.outbox().datagrams.empty() && device.outbox().sessions_installed.empty());
    device.outbox().clear();
  }
  now = now + (device.next_deadline() - now.monotonic);
  device.on_timer(now);
  const wg::MessageInitiation again = take_initiation(device);
  const wg::Mac expected =
      taken ? wg::mac(cookie, Bytes(to_bytes(again)).first(sizeof again - wg::kMacSize)) : wg::Mac{};
  FUZZ_CHECK(again.mac2 == expected);
  return 0;
}
