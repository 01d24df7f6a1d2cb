#include "daemon/peer_endpoints.h"

#include <algorithm>

namespace starling::daemon {

void PeerEndpoints::add(wg::PeerId peer, const HostPort& host, Time now) {
  Entry entry;
  entry.host = host;
  entry.next = now;
  entries_[peer] = entry;
}

void PeerEndpoints::set_answering(wg::PeerId peer, bool answering, Time now) {
  const auto at = entries_.find(peer);
  if (at == entries_.end() || at->second.answering == answering) return;
  Entry& entry = at->second;
  entry.answering = answering;
  entry.tries = 0;
  entry.wait = kEndpointRetryMin;
  entry.next = now + entry.wait;
}

void PeerEndpoints::forget(wg::PeerId peer) {
  entries_.erase(peer);
}

PeerEndpoints::Due PeerEndpoints::on_timer(Time now) {
  Due due;
  for (auto& [peer, entry] : entries_) {
    if (entry.answering || entry.next > now) continue;
    entry.next = now + entry.wait;
    entry.wait = std::min<Duration>(entry.wait * 2, kEndpointRetryMax);
    if (const auto endpoint = entry.host.numeric()) {
      due.settings.push_back({peer, *endpoint});
    } else if (!entry.asked) {
      entry.asked = true;
      due.questions.push_back({peer, entry.host});
    }
  }
  return due;
}

Time PeerEndpoints::next_deadline() const {
  Time next = kNever;
  for (const auto& [peer, entry] : entries_)
    if (!entry.answering) next = std::min(next, entry.next);
  return next;
}

std::optional<Endpoint> PeerEndpoints::on_resolved(wg::PeerId peer, const std::vector<Endpoint>& endpoints) {
  const auto at = entries_.find(peer);
  if (at == entries_.end()) return std::nullopt;
  at->second.asked = false;
  if (at->second.answering || endpoints.empty()) return std::nullopt;
  return endpoints[at->second.tries++ % endpoints.size()];
}

const HostPort* PeerEndpoints::configured(wg::PeerId peer) const {
  const auto at = entries_.find(peer);
  return at == entries_.end() ? nullptr : &at->second.host;
}

}  // namespace starling::daemon
