// The key log is enough to read a recorded session, and it is off unless asked for.
#include <optional>

#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"
#include "wg/protocol/noise.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

struct Recording {
  MessageInitiation initiation;
  MessageResponse response;
  std::vector<std::uint8_t> data;  // the first of the initiator
};

Recording record(Pair& pair) {
  pair.a.send(pair.b_at_a, "secret");
  pair.network.run_for(1s);
  Recording recording;
  for (const auto& [to, bytes] : pair.network.recorded) {
    if (bytes[0] == 1) std::memcpy(&recording.initiation, bytes.data(), sizeof recording.initiation);
    if (bytes[0] == 2) std::memcpy(&recording.response, bytes.data(), sizeof recording.response);
    if (bytes[0] == 4 && recording.data.empty()) recording.data = bytes;
  }
  return recording;
}

std::string open_data(const Session::Keys& keys_of_initiator, std::vector<std::uint8_t> data) {
  Session reader(0, {keys_of_initiator.receive, keys_of_initiator.send}, 0, 0, false, Time{});
  MutableBytes plaintext;
  REQUIRE(reader.open(Time{}, data, plaintext) == OpenResult::ok);
  return {plaintext.begin(), plaintext.end()};
}

// C after the initiation, up to the response, as the initiator has it.
InitiatorState replay_initiator(const DeviceOutbox::KeyLogEntry& entry, const Recording& recording) {
  InitiatorState state(entry.remote_static, recording.initiation.sender.value());
  const KeyPair local{entry.local_static, derive_public_key(entry.local_static)};
  SecretKey k;
  state.ephemeral_private = entry.local_ephemeral;
  state.symmetric.mix_key(recording.initiation.ephemeral.bytes);
  state.symmetric.mix_hash(recording.initiation.ephemeral.bytes);
  REQUIRE(state.symmetric.mix_shared_key(entry.local_ephemeral, entry.remote_static, k));
  PublicKey sender;
  REQUIRE(state.symmetric.open_and_hash(k, recording.initiation.encrypted_static, sender.bytes));
  CHECK(sender == local.public_key);
  REQUIRE(state.symmetric.mix_shared_key(local.private_key, entry.remote_static, k));
  Tai64n timestamp;
  REQUIRE(state.symmetric.open_and_hash(k, recording.initiation.encrypted_timestamp, timestamp.bytes));
  return state;
}

}  // namespace

TEST_CASE("the key log is empty unless it is switched on") {
  Pair pair;
  record(pair);
  CHECK(pair.a.key_log.empty());
  CHECK(pair.b.key_log.empty());
  pair.a.device.set_key_log(true);
  pair.a.device.set_key_log(false);
  pair.network.run_for(200s);
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  CHECK(pair.a.key_log.empty());
}

TEST_CASE("the initiator's key log is enough to read what it sent") {
  Pair pair;
  pair.a.device.set_key_log(true);
  const Recording recording = record(pair);
  REQUIRE(pair.a.key_log.size() == 1);
  const auto& entry = pair.a.key_log[0];
  CHECK(entry.remote_static == pair.b.key());
  CHECK(derive_public_key(entry.local_static) == pair.a.key());
  CHECK(derive_public_key(entry.local_ephemeral) == recording.initiation.ephemeral);
  CHECK(entry.preshared_key.is_zero());
  InitiatorState state = replay_initiator(entry, recording);
  const KeyPair local{entry.local_static, derive_public_key(entry.local_static)};
  const RemoteStatic remote = make_remote_static(local, entry.remote_static, entry.preshared_key);
  REQUIRE(consume_response(local, remote, recording.response, state) == HandshakeResult::ok);
  CHECK(open_data(begin_session(state.symmetric, true), recording.data) == "secret");
}

TEST_CASE("the responder's key log is enough to read what it received, preshared key included") {
  SecretKey preshared;
  preshared.mutable_bytes()[5] = 77;
  Pair pair;
  pair.a.device.set_preshared_key(pair.network.now, pair.b_at_a, preshared);
  pair.b.device.set_preshared_key(pair.network.now, pair.a_at_b, preshared);
  pair.b.device.set_key_log(true);
  const Recording recording = record(pair);
  CHECK(pair.a.key_log.empty());
  REQUIRE(pair.b.key_log.size() == 1);
  const auto& entry = pair.b.key_log[0];
  CHECK(entry.remote_static == pair.a.key());
  CHECK(derive_public_key(entry.local_ephemeral) == recording.response.ephemeral);
  CHECK(entry.preshared_key == preshared);

  const KeyPair local{entry.local_static, derive_public_key(entry.local_static)};
  const RemoteStatic remote = make_remote_static(local, entry.remote_static, entry.preshared_key);
  ResponderState state(local.public_key);
  REQUIRE(identify_initiator(local, recording.initiation, state) == HandshakeResult::ok);
  REQUIRE(consume_initiation(remote, recording.initiation, state) == HandshakeResult::ok);
  SecretKey k;
  state.symmetric.mix_key(recording.response.ephemeral.bytes);
  state.symmetric.mix_hash(recording.response.ephemeral.bytes);
  REQUIRE(state.symmetric.mix_shared_key(entry.local_ephemeral, recording.initiation.ephemeral, k));
  REQUIRE(state.symmetric.mix_shared_key(entry.local_ephemeral, remote.public_key, k));
  state.symmetric.mix_preshared_key(entry.preshared_key, k);
  REQUIRE(state.symmetric.open_and_hash(k, recording.response.encrypted_nothing, {}));
  CHECK(open_data(begin_session(state.symmetric, true), recording.data) == "secret");
}

TEST_CASE("every initiation, repeated ones too, has an entry with an ephemeral key of its own") {
  Pair pair;
  pair.network.filter = [](const Endpoint&, const Endpoint&, Bytes) { return false; };
  pair.a.device.set_key_log(true);
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(100s);
  REQUIRE(pair.a.key_log.size() == 18);
  for (std::size_t i = 1; i < 18; i++) {
    CHECK_FALSE(pair.a.key_log[i].local_ephemeral == pair.a.key_log[i - 1].local_ephemeral);
  }
}
