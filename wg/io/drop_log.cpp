#include "wg/io/drop_log.h"

#include <algorithm>

namespace starling::wg {
namespace {

std::size_t slot_of(PeerId peer) {
  return peer == kNoPeer ? 0 : std::size_t{1} + peer;
}

}  // namespace

void DropLog::add_peer(PeerId peer) {
  if (slots_.size() <= slot_of(peer)) slots_.resize(slot_of(peer) + 1);
  slots_[slot_of(peer)] = std::make_unique<Slot>();
}

void DropLog::remove_peer(PeerId peer) {
  if (slot_of(peer) < slots_.size()) slots_[slot_of(peer)].reset();
}

DropLog::Tally* DropLog::find(PeerId peer, DropReason reason) {
  const std::size_t at = slot_of(peer);
  if (at >= slots_.size() || !slots_[at]) return nullptr;
  return &(*slots_[at])[static_cast<std::size_t>(reason)];
}

DropLog::Tally& DropLog::find_or_unknown(PeerId& peer, DropReason reason) {
  if (Tally* tally = find(peer, reason)) return *tally;
  peer = kNoPeer;
  return *find(kNoPeer, reason);
}

void DropLog::count_silently(PeerId peer, DropReason reason, std::uint64_t count) {
  find_or_unknown(peer, reason).total += count;
}

void DropLog::record(Time now, const DropReport& drop) {
  PeerId peer = drop.peer;
  Tally& tally = find_or_unknown(peer, drop.reason);
  tally.total += drop.count;
  tally.address = drop.address;
  tally.port = drop.port;
  tally.error = drop.error;
  const bool waits_already = tally.unreported > 0;
  tally.unreported += drop.count;
  if (waits_already) return;
  waiting_.push_back({peer, drop.reason});
  next_deadline_ = std::min(next_deadline_, std::max(due(tally), now));
}

void DropLog::take_due(Time now, std::vector<DropReport>& out) {
  if (now < next_deadline_) return;
  next_deadline_ = kNever;
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    Tally* const found = find(waiting.peer, waiting.reason);
    if (found == nullptr) return true;  // the peer was removed
    Tally& tally = *found;
    if (due(tally) > now) {
      next_deadline_ = std::min(next_deadline_, due(tally));
      return false;
    }
    out.push_back({waiting.peer, waiting.reason, tally.unreported, tally.address, tally.port, tally.error});
    tally.unreported = 0;
    tally.reported = now;
    return true;
  });
}

DropCounters DropLog::counters(PeerId peer) const {
  DropCounters counters{};
  const std::size_t at = slot_of(peer);
  if (at >= slots_.size() || !slots_[at]) return counters;
  for (std::size_t reason = 0; reason < kDropReasonCount; ++reason) counters[reason] = (*slots_[at])[reason].total;
  return counters;
}

}  // namespace starling::wg
