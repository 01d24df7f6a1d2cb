#include "tests/system/backend/node.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <chrono>
#include <cstdlib>

#include "base/system.h"
#include "tests/system/backend/namespaces.h"

namespace starling::wg::test {

SecretKey new_key() {
  SystemRandom random;
  SecretKey key;
  random.fill(key.mutable_bytes());
  return key;
}

void shell(const std::string& command) {
  enter_namespace();
  REQUIRE_MESSAGE(std::system(command.c_str()) == 0, command);
}

BackendConfig config_for(const std::string& interface) {
  BackendConfig config;
  config.interface = interface;
  config.private_key = new_key();
  config.control_port = kControl;
  return config;
}

Node::Node(const BackendConfig& config, Begin begin) {
  enter_namespace();
  public_key = derive_public_key(config.private_key);
  auto made = make_userspace_backend(config);
  REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().message));
  backend = std::move(*made);
  if (begin == Begin::at_once) backend->start();
  endpoint = {*IpAddress::parse("127.0.0.1"), backend->status().listen_port, 0};
}

PeerId Node::add(const Node& other, bool with_endpoint, bool control) {
  PeerConfig config;
  config.public_key = other.public_key;
  if (with_endpoint) config.endpoint = other.endpoint;
  config.control = control;
  const Result<PeerId> id = backend->add_peer(config);
  REQUIRE(id.ok());
  return *id;
}

void Node::say(PeerId peer, const std::string& text) {
  const std::vector<std::uint8_t> payload(text.begin(), text.end());
  const std::array packets{ControlPacket{peer, payload}};
  backend->send_control(packets);
}

bool Node::dropped(PeerId peer, DropReason reason) const {
  for (const DropReport& drop : drops) {
    if (drop.peer == peer && drop.reason == reason) return true;
  }
  return false;
}

std::uint64_t Node::count(PeerId peer, DropReason reason) const {
  const DropCounters drops_now = peer == kNoPeer ? backend->status().drops : peer_status(peer).drops;
  return drops_now[static_cast<std::size_t>(reason)];
}

PeerStatus Node::peer_status(PeerId peer) const {
  for (const PeerStatus& status : backend->status().peers) {
    if (status.id == peer) return status;
  }
  return {};
}

bool await(std::vector<Node*> nodes, const std::function<bool()>& condition) {
  const Time end = monotonic_now() + std::chrono::seconds(5);
  while (!condition()) {
    if (monotonic_now() > end) return false;
    std::vector<pollfd> waiting;
    for (Node* node : nodes) waiting.push_back({node->backend->notification_fd(), POLLIN, 0});
    ::poll(waiting.data(), waiting.size(), 10);  // conditions on counters have no event
    for (Node* node : nodes) node->backend->dispatch(*node);
  }
  return true;
}

EgressDescription egress_to(PeerId peer, const char* prefix) {
  return {{{{peer}, kNoPeer}}, {{*Prefix::parse(prefix), 0}}};
}

IngressDescription ingress_from(PeerId peer, const char* prefix) {
  return {{{peer}}, {{*Prefix::parse(prefix), 0}}};
}

}  // namespace starling::wg::test
