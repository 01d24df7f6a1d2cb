// Handshake initiations (whitepaper §5.4.2): raw bytes, bytes with a right mac1, and real ones by peers, strangers and
// holders of odd keys, changed on their way with and without a new mac1.
#include <cstddef>

#include "tests/fuzz/handshake_ends.h"
#include "tests/fuzz/tamper.h"

using namespace starling;
using namespace starling::fuzz;

namespace {

struct Attack {
  std::vector<std::uint8_t> datagram;
  bool genuine = false;  // unchanged, from a peer
};

wg::Tai64n read_timestamp(FuzzInput& input) {
  wg::Tai64n timestamp = wg::Tai64n::at(kStart.wall);
  if (input.flag()) timestamp.bytes[input.below(12)] = input.u8();
  return timestamp;
}

Attack real_initiation(FuzzInput& input, SeededRandom& random) {
  const HandshakeEnds& ends = HandshakeEnds::get();
  const wg::KeyPair* const senders[] = {&ends.peer, &ends.peer_with_psk, &ends.stranger, &ends.device, &ends.low_order};
  const std::size_t who = input.below(std::size(senders));
  const wg::RemoteStatic remote = wg::make_remote_static(*senders[who], ends.device.public_key, {});
  wg::InitiatorState state(ends.device.public_key, input.u32());
  wg::MessageInitiation message;
  message.sender = wg::LittleEndian32(state.local_index);
  FUZZ_CHECK(wg::create_initiation(*senders[who], remote, read_timestamp(input), random, state, message) ==
             wg::HandshakeResult::ok);
  Attack attack{to_bytes(message), who <= 1};
  set_macs(ends.device.public_key, attack.datagram);
  if (tamper(input, attack.datagram)) attack.genuine = false;
  if (input.flag()) set_macs(ends.device.public_key, attack.datagram);
  return attack;
}

Attack next_attack(FuzzInput& input, SeededRandom& random) {
  switch (input.below(4)) {
    case 0: {
      const Bytes raw = input.take(input.u8());
      return {{raw.begin(), raw.end()}, false};
    }
    case 1: {
      Attack attack{input.padded(sizeof(wg::MessageInitiation)), false};
      attack.datagram[0] = 1;
      attack.datagram[1] = attack.datagram[2] = attack.datagram[3] = 0;
      set_macs(HandshakeEnds::get().device.public_key, attack.datagram);
      return attack;
    }
    default: return real_initiation(input, random);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const HandshakeEnds& ends = HandshakeEnds::get();
  FuzzInput input(Bytes(data, size));
  SeededRandom random(7), attacker_random(8);
  wg::Device device(ends.device.private_key, random);
  Now now = kStart;
  device.add_peer(now, {ends.peer.public_key, {}, {}, 0});
  device.add_peer(now, {ends.peer_with_psk.public_key, ends.psk, {}, 0});
  device.add_peer(now, {ends.low_order.public_key, {}, {}, 0});
  device.outbox().clear();
  for (int i = 0; i < 8 && !input.empty(); i++) {
    now = now + std::chrono::milliseconds(input.u8());
    const Attack attack = next_attack(input, attacker_random);
    device.on_handshake_datagram(now, ends.peer_endpoint, attack.datagram);
    const wg::DeviceOutbox& outbox = device.outbox();
    if (was_dropped(outbox)) {
      // A first one that nobody touched is answered, whatever its sender's clock says.
      FUZZ_CHECK(!attack.genuine || outbox.drops[0].reason == wg::DropReason::handshake_replay ||
                 outbox.drops[0].reason == wg::DropReason::handshake_flood);
      FUZZ_CHECK(outbox.drops[0].from == ends.peer_endpoint);
    } else {
      FUZZ_CHECK(outbox.datagrams.size() == 1 && outbox.datagrams[0].to == ends.peer_endpoint);
      FUZZ_CHECK(outbox.datagrams[0].bytes.size() == sizeof(wg::MessageResponse));
      FUZZ_CHECK(outbox.sessions_installed.size() == 1 && outbox.sessions_retired.size() <= 1);
      FUZZ_CHECK(outbox.sending_sessions.empty() && outbox.established.empty());  // a responder waits for data
    }
    device.outbox().clear();
  }
  return 0;
}
