// Who is a member, and what that means: grants kept, passed on and ended; announcements of strangers kept out.
//
// A stranger is a neighbour whose NodeId has no grant. It is told what we announce ourselves, so that it can find out,
// and nothing else of the network, and asked for nothing but grants. Its database and ours differ for good, so they are
// compared ever more rarely.
#include <algorithm>
#include <utility>

#include "routing/router_impl.h"

namespace starling::routing {

bool Router::Impl::is_stranger(const Neighbor& neighbor) const {
  return grants.required() && neighbor.node && !grants.is_member(*neighbor.node);
}

// Ours, a grant that concerns it, or anything if it is no stranger.
bool Router::Impl::may_learn(const Neighbor& neighbor, const LsaKey& key) const {
  if (!is_stranger(neighbor) || key.origin == config.id) return true;
  return key.fragment == kGrantFragment && key.origin == *neighbor.node;
}

// Without a network key there is no use for grants. A stranger is asked for nothing else: its own may be among them.
void Router::Impl::take_headers(Now now, Neighbor& neighbor, const Headers& headers) {
  const auto is_grant = [](const LsaSummary& summary) { return summary.key.fragment == kGrantFragment; };
  const Duration retransmit = neighbor.retransmit_interval();
  const bool all_useful = grants.required()
                              ? !is_stranger(neighbor)
                              : std::none_of(headers.summaries.begin(), headers.summaries.end(), is_grant);
  if (all_useful) return neighbor.exchange.on_headers(now.monotonic, headers, database, retransmit);
  Headers useful = headers;
  std::erase_if(useful.summaries, [&](const LsaSummary& one) { return is_grant(one) != grants.required(); });
  neighbor.exchange.on_headers(now.monotonic, useful, database, retransmit);
}

void Router::Impl::start_trust(Now now) {
  grants.expire(now);
  for (const LsaHandle& lsa : config.grants) take_grant(now, lsa);
  if (grants.is_member(config.id)) return;
  Event told = make_event(EventKind::grant_missing, now.monotonic);
  told.lsa = {config.id, kGrantFragment};
  told.reason = "none of `grants` is for this node";
  emit(std::move(told));
}

bool Router::Impl::take_grant(Now now, const LsaHandle& lsa) {
  if (!grants.required() || !is_signed_by(*lsa, *grants.network_key(), verify)) return false;
  const auto grant = decode_grant(lsa->header(), lsa->body());
  if (!grant || grant->ended(now.wall)) return false;
  const Database::Entry* entry = database.find(lsa->key());
  if (entry && !is_newer(lsa->header(), entry->lsa->header())) return lsa->header() == entry->lsa->header();
  store_grant(now, lsa, *grant, kNoNeighbor);
  return true;
}

void Router::Impl::handle_grant(Now now, Neighbor& neighbor, const ReceivedLsa& received) {
  const LsaHeader& header = received.header;
  const auto acknowledge = [&] {
    const LsaSummary summary = summarize(Lsa(header, received.signature));
    neighbor.owe_ack(now.monotonic, summary);
    neighbor.grant_queue.acknowledge(summary);
    neighbor.exchange.on_stored(header.key, header.sequence);
  };
  const auto refuse = [&](RejectReason reason) { reject_lsa(now, neighbor.id, header, reason); };
  if (header.sequence == 0 || header.sequence > kMaxSequence) return refuse(RejectReason::bad_sequence);
  if (header.lifetime_s != 0) return refuse(RejectReason::bad_lifetime);
  if (!grants.required() || !received.has_body) {
    acknowledge();
    return refuse(received.has_body ? RejectReason::grant_without_key : RejectReason::header_without_use);
  }
  const Database::Entry* entry = database.find(header.key);
  if (entry && entry->lsa->header() == header) return acknowledge();
  if (entry && !is_newer(header, entry->lsa->header())) {
    statistics.rejected[static_cast<std::size_t>(RejectReason::stale)]++;
    neighbor.exchange.on_stored(header.key, header.sequence);
    if (neighbor.answer_bucket.take(now.monotonic)) neighbor.answers.push_back(entry->lsa);
    return;
  }
  if (!entry && database.full()) return refuse(RejectReason::database_full);
  if (!neighbor.forgeries.available(now.monotonic)) return refuse(RejectReason::forgery_too_often);
  const auto lsa = std::make_shared<const Lsa>(
      header, received.signature, std::vector<std::uint8_t>(received.body.begin(), received.body.end()), LsaContent{});
  statistics.signatures_verified++;
  const auto grant = decode_grant(header, received.body);
  if (!grant || hash_body(received.body) != header.body_hash || !is_signed_by(*lsa, *grants.network_key(), verify)) {
    neighbor.forgeries.take(now.monotonic);
    return refuse(RejectReason::bad_grant);
  }
  acknowledge();
  if (grant->ended(now.wall)) return refuse(RejectReason::grant_ended);
  statistics.lsas_accepted++;
  store_grant(now, lsa, *grant, neighbor.id);
}

void Router::Impl::store_grant(Now now, const LsaHandle& lsa, const Grant& grant, NeighborId from) {
  const NodeId holder = grant.holder;
  const bool was_member = grants.is_member(holder);
  const bool is_first = grants.find(holder) == nullptr;
  database.store(now.monotonic, lsa, now.monotonic + kGrantKept);
  grants.keep(grant);
  for (auto& [id, neighbor] : neighbors) neighbor.exchange.on_stored(lsa->key(), lsa->header().sequence);
  flood(lsa, from);

  Event told = make_event(EventKind::grant_accept, now.monotonic, cause_of(*lsa), from);
  told.lsa = lsa->key();
  told.sequence = grant.serial;
  told.reason = grant.revoked ? "revoked" : is_first ? "new" : "changed";
  emit(std::move(told));

  prefixes_changed = true;
  computation.want(cause_of(*lsa));
  if (grant.revoked) drop_announcements(now, holder, cause_of(*lsa), "its grant was revoked");
  if (!was_member && grants.is_member(holder)) welcome(holder);
}

// What is to be answered, grants first: what they allow may be among the rest.
std::vector<LsaHandle> Router::Impl::answers_to(Neighbor& neighbor) const {
  std::vector<LsaHandle> answers = std::exchange(neighbor.answers, {});
  if (!grants.required()) return answers;
  std::erase_if(answers, [&](const LsaHandle& lsa) { return !may_learn(neighbor, lsa->key()); });
  std::stable_partition(answers.begin(), answers.end(),
                        [](const LsaHandle& lsa) { return lsa->key().fragment == kGrantFragment; });
  return answers;
}

// It hears that we have nothing for it once it is known to be no member; while its grant may be on its way, it hears
// nothing and asks again.
void Router::Impl::answer_stranger(const Neighbor& neighbor, const Ask& ask) {
  if (!neighbor.refused_as_stranger) return;
  Headers nothing;
  nothing.from = ask.from;
  nothing.end = true;
  transmit(neighbor.id, encode(envelope_to(neighbor), nothing));
}

// Now the neighbour's announcements count, or (if it is we who have joined) what the neighbours kept to themselves.
void Router::Impl::welcome(const NodeId& holder) {
  for (auto& [id, neighbor] : neighbors) {
    if (holder != config.id && neighbor.node != holder) continue;
    neighbor.refused_as_stranger = false;
    if (!neighbor.adjacent()) continue;
    neighbor.digest_watch.reset();
    neighbor.exchange.start();
  }
}

void Router::Impl::expire_grants(Now now) {
  for (const Grant& grant : grants.expire(now)) {
    database.remove({grant.holder, kGrantFragment});
    Event told = make_event(EventKind::grant_expire, now.monotonic, kTimerCause);
    told.lsa = {grant.holder, kGrantFragment};
    told.sequence = grant.serial;
    told.reason = grant.holder == config.id ? "this node's own: others will not hear it any more" : "";
    emit(std::move(told));
    drop_announcements(now, grant.holder, kTimerCause, "its grant has ended");
    prefixes_changed = true;
    computation.want(kTimerCause);
  }
}

// What a node announced that is no member any more. Our own stay, for ourselves.
void Router::Impl::drop_announcements(Now now, const NodeId& origin, const Cause& cause, const char* reason) {
  if (origin == config.id) return;
  for (auto& [id, neighbor] : neighbors) {
    if (neighbor.node != origin) continue;
    neighbor.exchange.stop();
    neighbor.refused_as_stranger = true;
  }
  for (std::uint16_t fragment = 0; fragment < kMaxFragments; fragment++) {
    const Database::Entry* entry = database.find({origin, fragment});
    if (!entry) continue;
    const LsaHandle lsa = entry->lsa;
    const bool was_live = !entry->tombstone;
    database.remove(lsa->key());
    for (auto& [id, neighbor] : neighbors) neighbor.queue.acknowledge(summarize(*lsa));
    if (!was_live) continue;
    note_change(lsa.get(), nullptr, cause);
    Event told = make_event(EventKind::lsa_expire, now.monotonic, cause);
    told.lsa = lsa->key();
    told.sequence = lsa->header().sequence;
    told.reason = reason;
    emit(std::move(told));
  }
}

// An announcement of a stranger's. Its grant may be on its way, so it is not acknowledged and comes again.
void Router::Impl::refuse_stranger(Now now, Neighbor& neighbor, const LsaHeader& header) {
  if (neighbor.node == header.key.origin) neighbor.refused_as_stranger = true;
  if (!neighbor.exchange.wants({header.key.origin, kGrantFragment})) {
    neighbor.exchange.on_stored(header.key, header.sequence);
  }
  reject_lsa(now, neighbor.id, header, RejectReason::no_grant);
}

}  // namespace starling::routing
