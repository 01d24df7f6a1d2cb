#include "wg/protocol/noise.h"

namespace starling::wg {

SymmetricState::SymmetricState(const PublicKey& responder)
    // C := HASH(CONSTRUCTION), H := HASH(C || IDENTIFIER), H := HASH(H || Spub_r)
    : chaining_key_(Bytes(hash({as_bytes(kConstruction)}))),
      hash_(hash({chaining_key_.bytes(), as_bytes(kIdentifier)})) {
  mix_hash(responder.bytes);
}

void SymmetricState::mix_hash(Bytes input) {
  hash_ = hash({hash_, input});
}

void SymmetricState::mix_key(Bytes input) {
  chaining_key_ = kdf1(chaining_key_, input);
}

bool SymmetricState::mix_shared_key(const SecretKey& secret, const PublicKey& key, SecretKey& k) {
  SecretKey shared;
  if (!x25519(shared, secret, key)) return false;
  mix_shared_key(shared, k);
  return true;
}

void SymmetricState::mix_shared_key(const SecretKey& shared, SecretKey& k) {
  Kdf2 derived = kdf2(chaining_key_, shared.bytes());
  chaining_key_ = std::move(derived.first);
  k = std::move(derived.second);
}

void SymmetricState::mix_preshared_key(const SecretKey& preshared_key, SecretKey& k) {
  Kdf3 derived = kdf3(chaining_key_, preshared_key.bytes());
  chaining_key_ = std::move(derived.first);
  mix_hash(derived.second.bytes());
  k = std::move(derived.third);
}

void SymmetricState::seal_and_hash(const SecretKey& k, Bytes plaintext, MutableBytes ciphertext) {
  aead_seal(k, 0, plaintext, hash_, ciphertext);
  mix_hash(ciphertext);
}

bool SymmetricState::open_and_hash(const SecretKey& k, Bytes ciphertext, MutableBytes plaintext) {
  if (!aead_open(k, 0, ciphertext, hash_, plaintext)) return false;
  mix_hash(ciphertext);
  return true;
}

RemoteStatic make_remote_static(const KeyPair& local, const PublicKey& remote, const SecretKey& preshared_key) {
  RemoteStatic out;
  out.public_key = remote;
  out.preshared_key = preshared_key;
  out.low_order = !x25519(out.static_static_shared, local.private_key, remote);
  return out;
}

HandshakeResult create_initiation(const KeyPair& local, const RemoteStatic& remote, const Tai64n& timestamp,
                                  RandomSource& random, InitiatorState& state, MessageInitiation& message) {
  if (remote.low_order) return HandshakeResult::low_order_key;
  SymmetricState& symmetric = state.symmetric;
  SecretKey k;
  message.sender = LittleEndian32(state.local_index);

  // e: (Epriv_i, Epub_i) := DH-GENERATE(); C := KDF1(C, Epub_i); msg.ephemeral := Epub_i; H := HASH(H || msg.ephemeral)
  const KeyPair ephemeral = generate_key_pair(random);
  message.ephemeral = ephemeral.public_key;
  symmetric.mix_key(message.ephemeral.bytes);
  symmetric.mix_hash(message.ephemeral.bytes);

  // es: (C, k) := KDF2(C, DH(Epriv_i, Spub_r))
  if (!symmetric.mix_shared_key(ephemeral.private_key, remote.public_key, k)) return HandshakeResult::low_order_key;

  // s: msg.static := AEAD(k, 0, Spub_i, H); H := HASH(H || msg.static)
  symmetric.seal_and_hash(k, local.public_key.bytes, message.encrypted_static);

  // ss: (C, k) := KDF2(C, DH(Spriv_i, Spub_r))
  symmetric.mix_shared_key(remote.static_static_shared, k);

  // msg.timestamp := AEAD(k, 0, TIMESTAMP(), H); H := HASH(H || msg.timestamp)
  symmetric.seal_and_hash(k, timestamp.bytes, message.encrypted_timestamp);

  state.ephemeral_private = ephemeral.private_key;
  return HandshakeResult::ok;
}

HandshakeResult identify_initiator(const KeyPair& local, const MessageInitiation& message, ResponderState& state) {
  SecretKey k;
  state.remote_index = message.sender.value();
  state.remote_ephemeral = message.ephemeral;

  // e: C := KDF1(C, msg.ephemeral); H := HASH(H || msg.ephemeral)
  state.symmetric.mix_key(message.ephemeral.bytes);
  state.symmetric.mix_hash(message.ephemeral.bytes);

  // es: (C, k) := KDF2(C, DH(Spriv_r, Epub_i))
  if (!state.symmetric.mix_shared_key(local.private_key, message.ephemeral, k)) return HandshakeResult::low_order_key;

  // s: Spub_i := AEAD⁻¹(k, 0, msg.static, H); H := HASH(H || msg.static)
  return state.symmetric.open_and_hash(k, message.encrypted_static, state.initiator.bytes)
             ? HandshakeResult::ok
             : HandshakeResult::authentication_failed;
}

HandshakeResult consume_initiation(const RemoteStatic& remote, const MessageInitiation& message,
                                   ResponderState& state) {
  if (remote.low_order) return HandshakeResult::low_order_key;
  SecretKey k;

  // ss: (C, k) := KDF2(C, DH(Spriv_r, Spub_i))
  state.symmetric.mix_shared_key(remote.static_static_shared, k);

  // t := AEAD⁻¹(k, 0, msg.timestamp, H); H := HASH(H || msg.timestamp)
  return state.symmetric.open_and_hash(k, message.encrypted_timestamp, state.timestamp.bytes)
             ? HandshakeResult::ok
             : HandshakeResult::authentication_failed;
}

HandshakeResult create_response(const RemoteStatic& remote, std::uint32_t local_index, RandomSource& random,
                                ResponderState& state, MessageResponse& message) {
  SecretKey k;
  message.sender = LittleEndian32(local_index);
  message.receiver = LittleEndian32(state.remote_index);

  // e: (Epriv_r, Epub_r) := DH-GENERATE(); C := KDF1(C, Epub_r); msg.ephemeral := Epub_r; H := HASH(H || msg.ephemeral)
  const KeyPair ephemeral = generate_key_pair(random);
  message.ephemeral = ephemeral.public_key;
  state.symmetric.mix_key(message.ephemeral.bytes);
  state.symmetric.mix_hash(message.ephemeral.bytes);

  // ee: C := KDF1(C, DH(Epriv_r, Epub_i)), se: C := KDF1(C, DH(Epriv_r, Spub_i)); the keys that KDF2 adds are not used.
  if (!state.symmetric.mix_shared_key(ephemeral.private_key, state.remote_ephemeral, k) ||
      !state.symmetric.mix_shared_key(ephemeral.private_key, remote.public_key, k)) {
    return HandshakeResult::low_order_key;
  }

  // psk: (C, τ, k) := KDF3(C, Q); H := HASH(H || τ)
  state.symmetric.mix_preshared_key(remote.preshared_key, k);

  // msg.empty := AEAD(k, 0, ε, H); H := HASH(H || msg.empty)
  state.symmetric.seal_and_hash(k, {}, message.encrypted_nothing);
  state.ephemeral_private = ephemeral.private_key;
  return HandshakeResult::ok;
}

HandshakeResult consume_response(const KeyPair& local, const RemoteStatic& remote, const MessageResponse& message,
                                 InitiatorState& state) {
  SymmetricState symmetric = state.symmetric;
  SecretKey k;

  // e: C := KDF1(C, msg.ephemeral); H := HASH(H || msg.ephemeral)
  symmetric.mix_key(message.ephemeral.bytes);
  symmetric.mix_hash(message.ephemeral.bytes);

  // ee: C := KDF1(C, DH(Epriv_i, Epub_r)), se: C := KDF1(C, DH(Spriv_i, Epub_r))
  if (!symmetric.mix_shared_key(state.ephemeral_private, message.ephemeral, k) ||
      !symmetric.mix_shared_key(local.private_key, message.ephemeral, k)) {
    return HandshakeResult::low_order_key;
  }

  // psk: (C, τ, k) := KDF3(C, Q); H := HASH(H || τ)
  symmetric.mix_preshared_key(remote.preshared_key, k);

  // ε := AEAD⁻¹(k, 0, msg.empty, H)
  if (!symmetric.open_and_hash(k, message.encrypted_nothing, {})) return HandshakeResult::authentication_failed;
  state.symmetric = symmetric;
  state.ephemeral_private.wipe();
  return HandshakeResult::ok;
}

Session::Keys begin_session(const SymmetricState& symmetric, bool is_initiator) {
  // (Tsend_i = Trecv_r, Trecv_i = Tsend_r) := KDF2(C, ε)
  Kdf2 keys = kdf2(symmetric.chaining_key(), {});
  if (is_initiator) return {std::move(keys.first), std::move(keys.second)};
  return {std::move(keys.second), std::move(keys.first)};
}

}  // namespace starling::wg
