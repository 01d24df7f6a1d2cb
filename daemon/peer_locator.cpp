#include "daemon/peer_locator.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/system.h"

namespace starling::daemon {

PeerLocator::PeerLocator(boost::asio::io_context& io, wg::Backend& backend, EventLog& log, PeerLocatorHooks hooks)
    : backend_(backend),
      log_(log),
      hooks_(std::move(hooks)),
      watcher_(io, resolver_.fd(), [this] { on_answers(); }),
      timer_(io) {}

void PeerLocator::add(wg::PeerId peer, const std::optional<HostPort>& host) {
  if (!host) return;                                                 // it will come to us
  if (const auto endpoint = host->numeric()) note(peer, *endpoint);  // the engine has it from PeerConfig
  wanted_.add(peer, *host, monotonic_now());
  arm_timer();
}

void PeerLocator::set_answering(wg::PeerId peer, bool answering) {
  wanted_.set_answering(peer, answering, monotonic_now());
  arm_timer();
}

void PeerLocator::on_roamed(wg::PeerId peer, const Endpoint& endpoint) {
  note(peer, endpoint);
}

void PeerLocator::set_by_hand(wg::PeerId peer, const Endpoint& endpoint) {
  wanted_.forget(peer);
  arm_timer();
  backend_.set_endpoint(peer, endpoint);
  note(peer, endpoint);
}

std::optional<Endpoint> PeerLocator::endpoint_of(wg::PeerId peer) const {
  const auto at = current_.find(peer);
  return at == current_.end() ? std::nullopt : std::optional(at->second);
}

std::vector<wg::PeerId> PeerLocator::peers_behind(std::uint32_t interface_index) const {
  std::vector<wg::PeerId> peers;
  for (const auto& [peer, index] : interface_of_)
    if (index == interface_index) peers.push_back(peer);
  return peers;
}

void PeerLocator::look_up_interface(wg::PeerId peer) {
  const auto at = current_.find(peer);
  if (at == current_.end()) return;
  if (const auto index = hooks_.outgoing_interface_to(at->second.address))
    interface_of_[peer] = *index;
  else
    interface_of_.erase(peer);
}

void PeerLocator::note(wg::PeerId peer, const Endpoint& endpoint) {
  const auto [at, fresh] = current_.try_emplace(peer, endpoint);
  if (!fresh && at->second == endpoint) return;
  at->second = endpoint;
  look_up_interface(peer);
  std::vector<Endpoint> endpoints;
  for (const auto& [id, where] : current_) endpoints.push_back(where);
  hooks_.on_endpoints(std::move(endpoints));
}

void PeerLocator::move(wg::PeerId peer, const Endpoint& endpoint) {
  if (endpoint_of(peer) == endpoint) return;
  backend_.set_endpoint(peer, endpoint);
  note(peer, endpoint);
}

void PeerLocator::arm_timer() {
  const Time deadline = wanted_.next_deadline();
  if (deadline == kNever) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(std::chrono::steady_clock::time_point(deadline.time_since_epoch()));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_timer();
  });
}

void PeerLocator::on_timer() {
  const PeerEndpoints::Due due = wanted_.on_timer(monotonic_now());
  for (const PeerEndpoints::Setting& setting : due.settings) move(setting.peer, setting.endpoint);
  for (const PeerEndpoints::Question& question : due.questions)
    resolver_.ask(question.peer, question.host.host, question.host.port);
  arm_timer();
}

void PeerLocator::on_answers() {
  for (const EndpointResolver::Answer& answer : resolver_.take_answers()) on_answer(answer);
  arm_timer();
}

void PeerLocator::on_answer(const EndpointResolver::Answer& answer) {
  const auto endpoint = wanted_.on_resolved(answer.question, answer.endpoints);
  const HostPort* host = wanted_.configured(answer.question);
  if (host == nullptr) return;
  const std::string neighbor = hooks_.name_of(answer.question);
  if (answer.endpoints.empty() && last_error_[answer.question] != answer.error) {
    last_error_[answer.question] = answer.error;
    log_.publish(EventLevel::warning, "endpoint.unresolved",
                 {{"neighbor", neighbor}, {"host", host->to_string()}, {"reason", answer.error}}, system_now());
  }
  if (!endpoint) return;
  const bool recovered = last_error_.erase(answer.question) != 0;
  if (recovered || endpoint_of(answer.question) != endpoint)
    log_.publish(EventLevel::info, "endpoint.resolved",
                 {{"neighbor", neighbor}, {"host", host->to_string()}, {"endpoint", endpoint->to_string()}},
                 system_now());
  move(answer.question, *endpoint);
}

}  // namespace starling::daemon
