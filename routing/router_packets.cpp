// What packets do to a Router.
#include "routing/router_impl.h"

namespace starling::routing {

void Router::Impl::on_packet(Now now, NeighborId id, Bytes payload) {
  if (!running) return;
  statistics.packets_received++;
  statistics.bytes_received += payload.size();
  const auto found = neighbors.find(id);
  if (found == neighbors.end()) return reject(now, kNoNeighbor, RejectReason::unknown_neighbor);
  Neighbor& neighbor = found->second;
  const auto message = decode_message(payload);
  if (!message) return reject(now, id, message.error());
  if (enter(now, neighbor, *message)) {
    std::visit([&](const auto& content) { handle(now, neighbor, content); }, message->content);
  }
  if (concerns_only(neighbor, *message)) return send_pending(advance(now), neighbor);
  finish(now);
}

// Most packets are Hellos, acknowledgements and copies of what is known. They change nothing for anybody else, and what
// is due by now, due it was before: on_timer does it. In a large simulation it is the memory of the other neighbours,
// untouched for long, that costs.
bool Router::Impl::concerns_only(const Neighbor& neighbor, const Message& message) const {
  const bool is_common = std::holds_alternative<Hello>(message.content) ||
                         std::holds_alternative<Update>(message.content) ||
                         std::holds_alternative<Ack>(message.content);
  return is_common && neighbor.state == NeighborState::full && !neighbor.suspect && !neighbor.binding_changed &&
         !neighbor.exchange.running() && !concerns_all && !origination.wanted && !computation.wanted;
}

// Whether the packet belongs to this life of both, after what its envelope alone says has been done.
bool Router::Impl::enter(Now now, Neighbor& neighbor, const Message& message) {
  if (const Hello* hello = std::get_if<Hello>(&message.content)) {
    return enter_hello(now, neighbor, message.envelope, *hello);
  }
  if (neighbor.instance != message.envelope.instance || message.envelope.peer_instance != instance) {
    reject(now, neighbor.id, RejectReason::wrong_instance);
    return false;
  }
  neighbor.heard(now.monotonic);
  apply(now, neighbor, NeighborEvent::two_way_heard, "heard by it");
  if (neighbor.adjacent()) return true;
  reject(now, neighbor.id, RejectReason::not_adjacent);
  return false;
}

bool Router::Impl::enter_hello(Now now, Neighbor& neighbor, const Envelope& envelope, const Hello& hello) {
  const bool same_life = neighbor.instance == envelope.instance;
  if (hello.node == config.id) {
    reject(now, neighbor.id, RejectReason::own_node_id);
    return false;
  }
  if (hello.goodbye) {
    if (same_life) apply(now, neighbor, NeighborEvent::goodbye, "goodbye");
    return false;
  }
  if (same_life && neighbor.node != hello.node) {
    reject(now, neighbor.id, RejectReason::node_id_changed);
    return false;
  }
  if (same_life && neighbor.is_overtaken(hello)) return false;
  if (!same_life) {
    if (neighbor.lives.on_life(now.monotonic, envelope.instance)) note_duplicate(now, neighbor.id, false);
    const bool restarted = neighbor.instance != 0;
    if (restarted) neighbor.forget();
    neighbor.instance = envelope.instance;
    neighbor.node = hello.node;
    if (restarted) apply(now, neighbor, NeighborEvent::restarted, "restarted");
  }
  neighbor.on_hello(now.monotonic, hello);
  note_hello(now, neighbor, hello);
  const bool two_way = envelope.peer_instance == instance;
  if (two_way) {
    apply(now, neighbor, NeighborEvent::two_way_heard, "heard by it");
  } else {
    apply(now, neighbor, NeighborEvent::one_way_heard, neighbor.adjacent() ? "no longer heard by it" : "heard");
  }
  return true;
}

void Router::Impl::handle(Now now, Neighbor& neighbor, const Hello& hello) {
  if (hello.probe && neighbor.probe_answers.take(now.monotonic)) send_hello(now, neighbor, HelloKind::answer);
  if (!neighbor.adjacent()) return;
  if (hello.digest == database.digest()) {  // nothing to ask for, and nothing left to tell
    neighbor.exchange.finish();
    neighbor.queue.acknowledge_all();
    neighbor.grant_queue.acknowledge_all();
  }
  if (neighbor.exchange.running()) return;
  if (neighbor.digest_watch.on_hello(now.monotonic, hello.digest, database.digest())) neighbor.exchange.start();
}

void Router::Impl::handle(Now now, Neighbor& neighbor, const Ask& ask) {
  if (!neighbor.answer_bucket.take(now.monotonic)) return reject(now, neighbor.id, RejectReason::too_many_answers);
  if (is_stranger(neighbor)) return answer_stranger(neighbor, ask);
  LsaKey from = ask.from;
  for (std::size_t i = 0; i < kHeadersWindow; i++) {
    const Headers headers = database.headers_from(from);
    transmit(neighbor.id, encode(envelope_to(neighbor), headers));
    if (headers.end) return;
    from = headers.next;
  }
}

void Router::Impl::handle(Now now, Neighbor& neighbor, const Headers& headers) {
  take_headers(now, neighbor, headers);
}

void Router::Impl::handle(Now now, Neighbor& neighbor, const Request& request) {
  if (!neighbor.answer_bucket.take(now.monotonic)) return reject(now, neighbor.id, RejectReason::too_many_answers);
  for (const LsaKey& key : request.keys) {
    if (const Database::Entry* entry = database.find(key)) neighbor.answers.push_back(entry->lsa);
  }
}

void Router::Impl::handle(Now now, Neighbor& neighbor, const Update& update) {
  for (const ReceivedLsa& lsa : update.lsas) handle(now, neighbor, lsa);
}

void Router::Impl::handle(Now, Neighbor& neighbor, const Ack& ack) {
  for (const LsaSummary& summary : ack.summaries) neighbor.queue_for(summary.key).acknowledge(summary);
}

void Router::Impl::handle(Now now, Neighbor& neighbor, const ReceivedLsa& received) {
  const LsaHeader& header = received.header;
  if (header.key.fragment == kGrantFragment) return handle_grant(now, neighbor, received);
  if (header.key.origin != config.id && !grants.is_member(header.key.origin)) {
    return refuse_stranger(now, neighbor, header);
  }
  Judgement judgement = judge(now.monotonic, received, neighbor.forgeries);
  const auto acknowledge = [&](const Lsa& lsa) {
    // It has what we were about to tell it. Where both told each other the same, neither needs to say so.
    const LsaSummary summary = summarize(lsa);
    if (!neighbor.queue.acknowledge(summary)) neighbor.owe_ack(now.monotonic, summary);
    neighbor.exchange.on_stored(header.key, header.sequence);
  };
  switch (judgement.kind) {
    case Judgement::Kind::accept: {
      acknowledge(*judgement.lsa);
      statistics.lsas_accepted++;
      const Cause cause = cause_of(*judgement.lsa);
      store(now, std::move(judgement.lsa), judgement.expires_at, neighbor.id, cause);
      break;
    }
    case Judgement::Kind::duplicate:
      acknowledge(*judgement.lsa);
      if (received.has_body) compare_ages(now, neighbor, header.key, judgement.expires_at);
      break;
    case Judgement::Kind::stale:
      statistics.rejected[static_cast<std::size_t>(RejectReason::stale)]++;
      neighbor.exchange.on_stored(header.key, header.sequence);
      if (neighbor.answer_bucket.take(now.monotonic)) neighbor.answers.push_back(database.find(header.key)->lsa);
      break;
    case Judgement::Kind::echo:
      acknowledge(Lsa(header, received.signature));
      jump_past(now, header, neighbor.id);
      break;
    case Judgement::Kind::relay:
      acknowledge(*judgement.lsa);
      if (!database.should_relay(header.key, header.sequence)) break;
      database.count_origin(header.key.origin, now.monotonic);
      flood(judgement.lsa, neighbor.id);
      break;
    case Judgement::Kind::reject:
      if (judgement.reason == RejectReason::header_without_use) acknowledge(Lsa(header, received.signature));
      reject_lsa(now, neighbor.id, header, judgement.reason);
      break;
  }
}

// Ages are not signed, and a lie may be the first that is heard. So who has much more time left than the neighbour
// answers, and who learns of much more passes it on: the copy that came from the origin wins wherever honest nodes
// lead.
void Router::Impl::compare_ages(Now now, Neighbor& neighbor, const LsaKey& key, Time theirs) {
  const Database::Entry& entry = *database.find(key);
  if (entry.tombstone) return;
  const Time ours = entry.expires_at;
  if (ours - theirs > kMinRemaining) {
    if (neighbor.answer_bucket.take(now.monotonic)) neighbor.answers.push_back(entry.lsa);
    return;
  }
  database.extend(key, theirs);
  if (entry.expires_at - ours > kMinRemaining) flood(entry.lsa, neighbor.id);
}

void Router::Impl::jump_past(Now now, const LsaHeader& echo, NeighborId from) {
  const Cause cause{Cause::Kind::announcement, echo.key, echo.sequence, kNoNeighbor};
  if (originator.on_echo(now, echo)) note_duplicate(now, from, true);
  if (originator.next_due() <= now.monotonic) origination.want(cause);
  Event told = make_event(EventKind::sequence_jump, now.monotonic, cause, from);
  told.lsa = echo.key;
  told.sequence = echo.sequence;
  emit(std::move(told));
}

}  // namespace starling::routing
