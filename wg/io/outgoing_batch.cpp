#include "wg/io/outgoing_batch.h"

#include <algorithm>

namespace starling::wg {
OutgoingBatch::OutgoingBatch(std::size_t capacity, bool joins)
    : capacity_(capacity), joins_(joins), memory_(std::make_unique_for_overwrite<std::uint8_t[]>(capacity)) {
  runs_.reserve(kRunsMax);
  notes_.reserve(kRunsMax);
}

MutableBytes OutgoingBatch::allocate(std::size_t size) {
  if (capacity_ - used_ < size) return {};
  const MutableBytes room(memory_.get() + used_, size);
  used_ += size;
  return room;
}

bool OutgoingBatch::continues(const Envelope& envelope, Bytes messages, std::size_t segment_size) const {
  if (!joins_ || runs_.empty() || envelope.session == nullptr) return false;
  const OutgoingRun& run = runs_.back();
  const bool behind = run.bytes.data() + run.bytes.size() == messages.data();
  const bool fits =
      run.bytes.size() % run.segment_size == 0 &&
      (segment_size == run.segment_size || (messages.size() <= segment_size && messages.size() <= run.segment_size));
  return behind && fits && notes_.back().session == envelope.session && run.to == envelope.to &&
         run.traffic_class == envelope.traffic_class && run.source == envelope.source;
}

void OutgoingBatch::add(const Envelope& envelope, Bytes messages, std::size_t segment_size) {
  const std::size_t payloads = envelope.has_payload ? (messages.size() + segment_size - 1) / segment_size : 0;
  if (continues(envelope, messages, segment_size)) {
    OutgoingRun& run = runs_.back();
    run.bytes = {run.bytes.data(), run.bytes.size() + messages.size()};
    notes_.back().payloads += payloads;
    return;
  }
  runs_.push_back({messages, segment_size, envelope.to, envelope.source, envelope.traffic_class});
  notes_.push_back({envelope.peer, envelope.session, payloads});
}

void OutgoingBatch::send(Now now, EngineContext& context) {
  if (empty()) {
    used_ = 0;
    return;
  }
  outcome_.clear();
  context.udp.send(runs_, outcome_);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (notes_[i].session == nullptr) continue;  // handshakes are the Device's to count
    if (PeerPath* const peer = context.peers.find(notes_[i].peer)) {
      peer->tx_bytes += runs_[i].bytes.size();
      peer->tx_packets += notes_[i].payloads;
    }
    note_sent(notes_[i]);
  }
  note_failures(now, context);
  runs_.clear();
  notes_.clear();
  used_ = 0;
  for (const Sent& sent : sent_) context.device.on_data_sent(now, sent.session, sent.keepalives_only);
  sent_.clear();
}

// What failed was counted as sent a moment ago.
void OutgoingBatch::note_failures(Now now, EngineContext& context) {
  for (const std::size_t index : outcome_.sources_refused) {
    if (PeerPath* const peer = context.peers.find(notes_[index].peer)) peer->source.reset();
  }
  for (const SendOutcome::Failure& failure : outcome_.failures) {
    const OutgoingRun& run = runs_[failure.run];
    const Note& note = notes_[failure.run];
    context.drop(now, {note.peer, DropReason::send_failed, failure.count, run.to.address, run.to.port, failure.error});
    PeerPath* const peer = context.peers.find(note.peer);
    if (peer == nullptr || note.session == nullptr) continue;
    const std::size_t begin = failure.first * run.segment_size;
    peer->tx_bytes -= std::min(failure.count * run.segment_size, run.bytes.size() - begin);
    peer->tx_packets -= std::min(failure.count, note.payloads);
  }
}

void OutgoingBatch::note_sent(const Note& note) {
  const bool keepalives_only = note.payloads == 0;
  for (std::size_t i = sent_.size(); i-- > 0;) {
    if (sent_[i].session != note.session) continue;
    sent_[i].keepalives_only = sent_[i].keepalives_only && keepalives_only;
    return;
  }
  sent_.push_back({note.session, keepalives_only});
}

}  // namespace starling::wg
