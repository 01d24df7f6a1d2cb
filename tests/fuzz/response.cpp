// Handshake responses (whitepaper §5.4.3) to an initiation that the Device has sent: raw bytes, bytes with the right
// index and mac1, and the real answer changed on its way.
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

// What the peer answers, with the fuzzer's sender index.
std::vector<std::uint8_t> real_response(FuzzInput& input, const wg::MessageInitiation& initiation,
                                        SeededRandom& random) {
  const HandshakeEnds& ends = HandshakeEnds::get();
  const wg::RemoteStatic remote = wg::make_remote_static(ends.peer, ends.device.public_key, ends.psk);
  wg::ResponderState state(ends.peer.public_key);
  FUZZ_CHECK(wg::identify_initiator(ends.peer, initiation, state) == wg::HandshakeResult::ok);
  FUZZ_CHECK(state.initiator == ends.device.public_key);
  FUZZ_CHECK(wg::consume_initiation(remote, initiation, state) == wg::HandshakeResult::ok);
  wg::MessageResponse message;
  FUZZ_CHECK(wg::create_response(remote, input.u32(), random, state, message) == wg::HandshakeResult::ok);
  return to_bytes(message);
}

Attack next_attack(FuzzInput& input, const wg::MessageInitiation& initiation, SeededRandom& random) {
  const PublicKey& receiver = HandshakeEnds::get().device.public_key;
  switch (input.below(4)) {
    case 0: {
      const Bytes raw = input.take(input.u8());
      return {{raw.begin(), raw.end()}, false};
    }
    case 1: {
      wg::MessageResponse message;
      message.receiver = initiation.sender;
      message.sender = wg::LittleEndian32(input.u32());
      const auto ephemeral = input.padded(kKeySize);
      std::copy(ephemeral.begin(), ephemeral.end(), message.ephemeral.bytes.begin());
      const auto nothing = input.padded(wg::kTagSize);
      std::copy(nothing.begin(), nothing.end(), message.encrypted_nothing.begin());
      Attack attack{to_bytes(message), false};
      set_macs(receiver, attack.datagram);
      return attack;
    }
    default: {
      Attack attack{real_response(input, initiation, random), true};
      set_macs(receiver, attack.datagram);
      if (tamper(input, attack.datagram)) attack.genuine = false;
      if (input.flag()) set_macs(receiver, attack.datagram);
      return attack;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const HandshakeEnds& ends = HandshakeEnds::get();
  FuzzInput input(Bytes(data, size));
  SeededRandom random(7), peer_random(8);
  wg::Device device(ends.device.private_key, random);
  const Now now = kStart;
  const wg::PeerId peer = device.add_peer(now, {ends.peer.public_key, ends.psk, ends.peer_endpoint, 0});
  device.on_packet_staged(now, peer);
  FUZZ_CHECK(device.outbox().datagrams.size() == 1);
  wg::MessageInitiation initiation;
  FUZZ_CHECK(device.outbox().datagrams[0].bytes.size() == sizeof initiation);
  std::memcpy(&initiation, device.outbox().datagrams[0].bytes.data(), sizeof initiation);
  device.outbox().clear();
  bool answered = false;
  for (int i = 0; i < 8 && !input.empty(); i++) {
    const Attack attack = next_attack(input, initiation, peer_random);
    device.on_handshake_datagram(now, ends.peer_endpoint, attack.datagram);
    const wg::DeviceOutbox& outbox = device.outbox();
    if (was_dropped(outbox)) {
      FUZZ_CHECK(!attack.genuine || answered);  // forgeries before it do not disturb the true answer
    } else {
      FUZZ_CHECK(!answered);  // one answer to one initiation
      answered = true;
      FUZZ_CHECK(outbox.sessions_installed.size() == 1 && outbox.sessions_retired.empty());
      FUZZ_CHECK(outbox.sessions_installed[0]->local_index() == initiation.sender.value());
      FUZZ_CHECK(outbox.sessions_installed[0]->peer() == peer);
      FUZZ_CHECK(outbox.sending_sessions.size() == 1 && outbox.established.size() == 1);
    }
    FUZZ_CHECK(outbox.datagrams.empty());
    device.outbox().clear();
  }
  FUZZ_CHECK((device.sending_session(peer) != nullptr) == answered);
  return 0;
}
