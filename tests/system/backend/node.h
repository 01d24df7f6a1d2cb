// One engine with its owner, in a network namespace of the test's own, and the waiting for what it reports.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wg/io/backend.h"

namespace starling::wg::test {

inline constexpr std::uint16_t kControl = 7827;

SecretKey new_key();
// Runs in the present namespace; fails the test if it does not succeed.
void shell(const std::string& command);
BackendConfig config_for(const std::string& interface);

enum class Begin : std::uint8_t { at_once, later };

// Reachable at 127.0.0.1 unless `endpoint` is changed.
struct Node final : BackendObserver {
  explicit Node(const std::string& interface, Begin begin = Begin::at_once) : Node(config_for(interface), begin) {}
  explicit Node(const BackendConfig& config, Begin begin = Begin::at_once);

  PeerId add(const Node& other, bool with_endpoint, bool control = true);
  void say(PeerId peer, const std::string& text);
  bool dropped(PeerId peer, DropReason reason) const;  // it was reported
  std::uint64_t count(PeerId peer, DropReason reason) const;
  PeerStatus peer_status(PeerId peer) const;

  void on_control_packet(Now, PeerId, Bytes payload) override { heard.emplace_back(payload.begin(), payload.end()); }
  void on_quiet(Now, PeerId peer) override { quiet.push_back(peer); }
  void on_heard(Now, PeerId peer) override { traffic.push_back(peer); }
  void on_session(Now, PeerId peer, bool as_initiator) override { sessions.emplace_back(peer, as_initiator); }
  void on_endpoint(Now, PeerId, const Endpoint& at) override { endpoints.push_back(at); }
  void on_unreachable(Now, PeerId peer, const Unreachable& what) override { unreachable.emplace_back(peer, what); }
  void on_drop(Now, const DropReport& report) override { drops.push_back(report); }
  void on_warning(Now, const std::string& what) override { warnings.push_back(what); }
  void on_fatal(Now, const std::string& what) override { fatal = what; }

  PublicKey public_key;
  Endpoint endpoint;
  std::unique_ptr<Backend> backend;
  std::vector<std::string> heard;
  std::vector<PeerId> quiet;
  std::vector<PeerId> traffic;
  std::vector<std::pair<PeerId, bool>> sessions;
  std::vector<Endpoint> endpoints;
  std::vector<std::pair<PeerId, Unreachable>> unreachable;
  std::vector<DropReport> drops;
  std::vector<std::string> warnings;
  std::string fatal;
};

// Dispatches what the nodes' engines report until the condition holds; false after 5 s.
bool await(std::vector<Node*> nodes, const std::function<bool()>& condition);

EgressDescription egress_to(PeerId peer, const char* prefix);
IngressDescription ingress_from(PeerId peer, const char* prefix);

}  // namespace starling::wg::test
