#include "wg/io/tun_writer.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "wg/protocol/inner_packet.h"

namespace starling::wg {

static_assert(Coalescer::kPiecesMax <= Tun::kPiecesMax);

// A capture says of each packet what became of it, so each is written by itself then.
void TunWriter::add(Now now, PeerPath& peer, MutableBytes packet) {
  if (context_.captures.is_active()) {
    flush(now);
    return write_one(now, &peer, packet);
  }
  if (coalescer_.empty()) coalescer_.set(context_.tun.joins_tcp(), context_.tun.joins_udp());
  coalescer_.add(packet, peer.id);
}

void TunWriter::flush(Now now) {
  if (coalescer_.empty()) return;
  for (JoinedPacket& joined : coalescer_.finish()) write(now, joined);
  coalescer_.clear();
}

void TunWriter::write(Now now, JoinedPacket& joined) {
  PeerPath* const peer = context_.peers.find(joined.owner);
  if (joined.pieces.size() == 1) return write_one(now, peer, joined.pieces.front());
  const TunStatus written = context_.tun.write(joined.virtio, joined.pieces);
  if (written == TunStatus::ok) return;
  const int error = errno;
  if (written == TunStatus::gone) context_.tun_gone = true;
  // Of what is joined the kernel says so; anything else would have become of each packet as well.
  if (written == TunStatus::refused && error == EINVAL) stop_joining(now, joined.is_tcp, error);
  for (std::size_t i = 0; i < joined.pieces.size(); ++i) write_one(now, peer, joined.original(i));
}

void TunWriter::write_one(Now now, PeerPath* peer, Bytes packet) {
  const TunStatus written = context_.tun.write(packet);
  const int error = errno;
  context_.capture(PacketDirection::inbound, peer, packet, false,
                   written == TunStatus::ok ? std::nullopt : std::optional(DropReason::tun_write_failed));
  if (written == TunStatus::ok) return;
  if (written == TunStatus::gone) context_.tun_gone = true;
  const std::optional<InnerPacket> inner = parse_inner_packet(packet);
  const std::optional<IpAddress> source = inner ? std::optional(inner->source) : std::nullopt;
  context_.drop(now, {peer != nullptr ? peer->id : kNoPeer, DropReason::tun_write_failed, 1, source, 0, error});
}

void TunWriter::stop_joining(Now now, bool tcp, int error) {
  if (tcp ? !context_.tun.joins_tcp() : !context_.tun.joins_udp()) return;
  tcp ? context_.tun.stop_joining_tcp() : context_.tun.stop_joining_udp();
  const auto warning = fmt::format("{} receive offload of the interface {}: {}; switched off", tcp ? "TCP" : "UDP",
                                   context_.tun.name(), std::strerror(error));
  context_.notify({now, WarningNotification{warning}}, kNoPeer);
}

}  // namespace starling::wg
