// The Engine and its interface: whether it is up, how large its packets are, and the sockets that go with it.
#include <sys/epoll.h>

#include <utility>

#include "wg/io/engine.h"

namespace starling::wg {

void Engine::watch_sockets() {
  // Before the start they are watched for errors alone.
  const std::uint32_t events = started_ ? std::uint32_t{EPOLLIN} : 0u;
  for (const Family family : {Family::ipv4, Family::ipv6}) watch(context_.udp.fd(family), events);
}

void Engine::follow_link(Now now) {
  link_.read();
  watch(link_.fd(), EPOLLIN);  // another one, if the link moved
  const LinkState& link = link_.state();
  const auto mtu = static_cast<std::size_t>(link.mtu);
  if (mtu != context_.mtu && link.is_here) context_.tun.fit_segments(link.mtu);
  context_.mtu = mtu;
  context_.tun_index = link.is_here ? link.index : 0;
  note_queue_drops(now);
  if (link.up == up_) return;
  link.up ? go_up(now) : go_down(now);
}

void Engine::go_up(Now now) {
  up_ = true;
  if (const std::optional<SystemError> error = context_.udp.open()) {
    context_.notify({now, WarningNotification{error->message + "; nothing is received"}}, kNoPeer);
  }
  watch_sockets();
  context_.device.set_up(now, true);
  context_.peers.for_each([&](PeerPath& peer) {
    if (peer.has_staged()) context_.device.on_packet_staged(now, peer.id);
  });
  drain_device(now);
}

// What the sockets hold is looked at before they are closed, while the sessions are there.
void Engine::go_down(Now now) {
  catch_up(now);
  up_ = false;
  context_.peers.for_each([&](PeerPath& peer) {
    transmitter_.drop_staged(now, peer, DropReason::interface_down);
    peer.source.reset();
  });
  context_.device.set_up(now, false);
  drain_device(now);
  context_.udp.close();
}

std::optional<SystemError> Engine::set_listen_port(Now now, std::uint16_t port) {
  catch_up(now);  // what waits in the old sockets
  std::optional<SystemError> error = context_.udp.set_port(port);
  if (!error && up_) error = context_.udp.open();  // where the former port could not be bound
  watch_sockets();
  return error;
}

std::optional<SystemError> Engine::set_fwmark(std::uint32_t mark) {
  const std::optional<SystemError> error = context_.udp.set_fwmark(mark);
  // Other rules may lead elsewhere now.
  if (error) return error;
  context_.udp.forget_narrow_paths();
  context_.peers.for_each([](PeerPath& peer) { peer.source.reset(); });
  return std::nullopt;
}

void Engine::follow_underlay() {
  routes_.read(context_.tun_index, [this](const UnderlayChange& change) {
    context_.udp.forget_narrow_paths();  // one may be wider now; what is not says so again
    context_.peers.for_each([&](PeerPath& peer) {
      if (peer.source && peer.endpoint &&
          change.affects(peer.source->address, peer.source->interface_index, peer.endpoint->address)) {
        peer.source.reset();
      }
    });
  });
}

// What the kernel dropped before we could read it; noticed when the link changes and when someone asks. While the
// interface is down it is what everyone expects, and mostly the kernel's own chatter.
void Engine::note_queue_drops(Now now) {
  const std::uint64_t before = std::exchange(queue_drops_, link_.state().queue_drops);
  if (queue_drops_ <= before) return;
  if (up_) return context_.drop(now, {kNoPeer, DropReason::interface_overflow, queue_drops_ - before});
  context_.drops.count_silently(kNoPeer, DropReason::interface_down, queue_drops_ - before);
}

BackendStatus Engine::status() {
  const Now now = system_now();
  link_.refresh();
  follow_link(now);  // the answer may have brought news along
  const std::uint64_t lost = context_.udp.take_lost(true);
  if (lost > 0) context_.drop(now, {kNoPeer, DropReason::receive_overflow, lost});
  BackendStatus status;
  status.interface = link_.state().name;
  status.interface_index = link_.state().index;
  status.up = up_;
  status.public_key = public_key();
  status.listen_port = context_.udp.port();
  status.fwmark = context_.udp.fwmark();
  status.aead = context_.workers.aead_name();
  status.mtu = link_.state().mtu;
  status.drops = context_.drops.counters(kNoPeer);
  status.helpers = context_.workers.count() - 1;
  status.batches_offered = context_.workers.offered();
  status.batches_helped = context_.workers.helped();
  context_.peers.for_each([&](const PeerPath& peer) { status.peers.push_back(status_of(peer)); });
  return status;
}

}  // namespace starling::wg
