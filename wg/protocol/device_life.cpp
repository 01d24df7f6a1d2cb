// A device that is set down and up again, as its interface is.
#include "wg/protocol/device_impl.h"

namespace starling::wg {

void Device::Impl::stop_peer(Peer& peer) {
  clear_sessions(peer);
  forget_initiation(peer);
  peer.timers.stop();
  peer.handshake_wanted = false;
  peer.sent_last_minute_handshake = false;
  peer.initiations_sent = 0;
  peer.last_handshake_sent.reset();  // the next one need not wait for it
}

void Device::Impl::begin_persistent_keepalive(Now now, Peer& peer) {
  if (peer.persistent_keepalive_s == 0) return;
  peer.timers.set_persistent_keepalive(now.monotonic, std::chrono::seconds(peer.persistent_keepalive_s));
  send_keepalive(now, peer);
}

void Device::set_up(Now now, bool up) {
  if (impl_->up == up) return;
  impl_->up = up;
  for (const auto& peer : impl_->peers) {
    if (!peer) continue;
    up ? impl_->begin_persistent_keepalive(now, *peer) : impl_->stop_peer(*peer);
    impl_->reschedule(*peer);
  }
}

}  // namespace starling::wg
