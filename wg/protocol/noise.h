// The handshake (whitepaper §5.4.2 to §5.4.5): Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s.
//
//   <- s
//   ...
//   -> e, es, s, ss, {timestamp}     MessageInitiation
//   <- e, ee, se, psk, {}            MessageResponse
//
// Functions over small states, without memory of peers: who the peer is, whether a timestamp is new and which index is
// free is decided by Device. A message that fails leaves an initiator's state as it was, so that forged answers cannot
// disturb a handshake under way.
#pragma once

#include <cstdint>

#include "base/key.h"
#include "base/random.h"
#include "wg/protocol/crypto.h"
#include "wg/protocol/messages.h"
#include "wg/protocol/session.h"
#include "wg/protocol/tai64n.h"

namespace starling::wg {

enum class HandshakeResult : std::uint8_t {
  ok,
  authentication_failed,  // a tag does not verify: another preshared key, another static key of ours, or tampering
  low_order_key,          // a Diffie-Hellman result is zero
};

// C and H of the whitepaper: what both sides have agreed on so far.
class SymmetricState {
 public:
  // `responder`: the responder's static public key, which the pattern presumes known.
  explicit SymmetricState(const PublicKey& responder);

  void mix_hash(Bytes input);
  void mix_key(Bytes input);  // C := KDF1(C, input)
  // (C, k) := KDF2(C, DH(secret, key)); false if the result is zero.
  [[nodiscard]] bool mix_shared_key(const SecretKey& secret, const PublicKey& key, SecretKey& k);
  void mix_shared_key(const SecretKey& shared, SecretKey& k);  // the same with a DH done before
  // (C, τ, k) := KDF3(C, Q); H := HASH(H || τ)
  void mix_preshared_key(const SecretKey& preshared_key, SecretKey& k);
  // AEAD(k, 0, plaintext, H), then H := HASH(H || ciphertext).
  void seal_and_hash(const SecretKey& k, Bytes plaintext, MutableBytes ciphertext);
  [[nodiscard]] bool open_and_hash(const SecretKey& k, Bytes ciphertext, MutableBytes plaintext);

  const SecretKey& chaining_key() const { return chaining_key_; }

 private:
  SecretKey chaining_key_;
  Hash hash_;
};

// What is known of a peer before any message.
struct RemoteStatic {
  PublicKey public_key;
  SecretKey preshared_key;         // zeros: none
  SecretKey static_static_shared;  // DH of both static keys
  bool low_order = false;          // the peer's key makes that zero: no handshake is possible
};
RemoteStatic make_remote_static(const KeyPair& local, const PublicKey& remote, const SecretKey& preshared_key);

// An initiator between its message and the answer.
struct InitiatorState {
  InitiatorState(const PublicKey& responder, std::uint32_t index) : symmetric(responder), local_index(index) {}

  SymmetricState symmetric;
  SecretKey ephemeral_private;
  std::uint32_t local_index;
};

// A responder between the two messages, which is one moment.
struct ResponderState {
  explicit ResponderState(const PublicKey& own) : symmetric(own) {}

  SymmetricState symmetric;
  PublicKey initiator;  // its static key
  PublicKey remote_ephemeral;
  SecretKey ephemeral_private;  // ours, once the response is made
  std::uint32_t remote_index = 0;
  Tai64n timestamp;
};

// The macs of the messages made here are zeros (cookie.h).

// Initiator, first message; `state` is fresh. Fails (low_order_key) only for a peer of low order.
HandshakeResult create_initiation(const KeyPair& local, const RemoteStatic& remote, const Tai64n& timestamp,
                                  RandomSource& random, InitiatorState& state, MessageInitiation& message);

// Responder, first message, as far as it names its sender; `state` is fresh. Then state.initiator is the key claimed.
HandshakeResult identify_initiator(const KeyPair& local, const MessageInitiation& message, ResponderState& state);
// Responder, the rest of it: `remote` is that key's peer. state.timestamp is authentic when this is ok.
HandshakeResult consume_initiation(const RemoteStatic& remote, const MessageInitiation& message, ResponderState& state);

// Responder, second message.
HandshakeResult create_response(const RemoteStatic& remote, std::uint32_t local_index, RandomSource& random,
                                ResponderState& state, MessageResponse& message);

// Initiator, second message. `state` changes only when this is ok.
HandshakeResult consume_response(const KeyPair& local, const RemoteStatic& remote, const MessageResponse& message,
                                 InitiatorState& state);

// The transport keys, when both messages are done (§5.4.5).
Session::Keys begin_session(const SymmetricState& symmetric, bool is_initiator);

}  // namespace starling::wg
