// Our own static key, which may come late and change while the Device runs.
#include "wg/protocol/device_impl.h"

namespace starling::wg {

void Device::Impl::set_identity(const SecretKey& private_key) {
  local.private_key = private_key;
  local.public_key = private_key.is_zero() ? PublicKey{} : derive_public_key(private_key);
  cookie_checker = CookieChecker(local.public_key);
}

// What was agreed on as the former identity: sessions are kept for what is still under way to us, handshakes are void.
void Device::Impl::renew_peer(Now now, Peer& peer) {
  const bool wants_session =
      peer.handshake_wanted || peer.timers.handshake_under_way() || peer.keypairs.sending() || peer.keypairs.next();
  if (peer.keypairs.sending()) outbox.sending_sessions.push_back({peer.id, nullptr});
  retire(peer.keypairs.stop_all(now.monotonic));
  forget_initiation(peer);
  peer.timers.identity_changed();
  peer.last_handshake_sent.reset();
  peer.initiations_sent = 0;
  peer.sent_last_minute_handshake = false;
  peer.handshake_wanted = false;
  peer.remote = make_remote_static(local, peer.remote.public_key, peer.remote.preshared_key);
  if (wants_session) start_handshake(now, peer);
  reschedule(peer);
}

void Device::set_private_key(Now now, const SecretKey& private_key) {
  if (private_key == impl_->local.private_key) return;
  impl_->set_identity(private_key);
  if (const auto own = find_peer(impl_->local.public_key); own && impl_->has_identity()) {
    remove_peer(now, *own);
    impl_->outbox.peers_removed.push_back(*own);
  }
  for (const auto& peer : impl_->peers) {
    if (peer) impl_->renew_peer(now, *peer);
  }
}

}  // namespace starling::wg
