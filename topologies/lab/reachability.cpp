#include "topologies/lab/reachability.h"

#include <poll.h>

#include <algorithm>
#include <array>

#include "topologies/lab/clock.h"
#include "topologies/lab/udp_socket.h"

namespace starling::lab {

namespace {

constexpr std::uint64_t kMagic = 0x737461727265616c;  // "stareal"
constexpr int kAttempts = 3;
constexpr std::int64_t kAttempt_ns = 333 * kNsPerMs;
constexpr std::size_t kBurst = 16;  // packets between two looks at what arrived
constexpr std::size_t kMissingShown = 5;

}  // namespace

Reachability::Reachability(const Plan& plan, const Host& host) : plan_(plan) {
  for (std::size_t node = 0; node < plan.nodes.size(); node++) {
    v4_.push_back(open_udp_socket(host.namespace_fd(node), Family::ipv4, kReachabilityPort));
    v6_.push_back(open_udp_socket(host.namespace_fd(node), Family::ipv6, kReachabilityPort));
  }
}

int Reachability::socket_of(std::size_t node, Family family) const {
  return (family == Family::ipv4 ? v4_ : v6_)[node].get();
}

ReachabilityResult Reachability::check(const std::vector<bool>& node_up) {
  const std::scoped_lock lock(mutex_);
  round_++;
  std::vector<Pair> pairs;
  for (std::size_t from = 0; from < plan_.nodes.size(); from++)
    for (std::size_t to = 0; to < plan_.nodes.size(); to++) {
      if (from == to || !node_up[from] || !node_up[to]) continue;
      for (const IpAddress& address : plan_.nodes[to].addresses) {
        const auto& own = plan_.nodes[from].addresses;
        if (std::any_of(own.begin(), own.end(), [&](const IpAddress& a) { return a.family() == address.family(); }))
          pairs.push_back({from, to, address, false});
      }
    }

  const auto missing = [&] {
    return std::any_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return !pair.reached; });
  };
  std::vector<pollfd> waits;
  for (const std::vector<FileDescriptor>* sockets : {&v4_, &v6_})
    for (const FileDescriptor& socket : *sockets) waits.push_back({socket.get(), POLLIN, 0});
  for (int attempt = 0; attempt < kAttempts && missing(); attempt++) {
    const std::int64_t end_ns = mono_now_ns() + kAttempt_ns;
    send_missing(pairs);
    for (std::int64_t left_ns; missing() && (left_ns = end_ns - mono_now_ns()) > 0;) {
      ::poll(waits.data(), waits.size(), static_cast<int>(left_ns / kNsPerMs) + 1);
      receive_all(pairs);
    }
  }

  ReachabilityResult result;
  result.pairs = pairs.size();
  for (const Pair& pair : pairs) {
    if (pair.reached)
      result.reached++;
    else if (result.missing.size() < kMissingShown)
      result.missing.push_back(plan_.nodes[pair.from].name + "→" + plan_.nodes[pair.to].name + " (" +
                               pair.address.to_string() + ")");
  }
  return result;
}

void Reachability::send_missing(std::vector<Pair>& pairs) {
  std::size_t sent = 0;
  for (std::size_t i = 0; i < pairs.size(); i++) {
    const Pair& pair = pairs[i];
    if (pair.reached) continue;
    std::vector<std::uint8_t> payload;
    ByteWriter writer(payload);
    writer.u64(kMagic);
    writer.u64(round_);
    writer.u64(i);
    send_datagram(socket_of(pair.from, pair.address.family()), pair.address, kReachabilityPort, payload);
    if (++sent % kBurst == 0) receive_all(pairs);
  }
}

void Reachability::receive_all(std::vector<Pair>& pairs) {
  std::array<std::uint8_t, 2048> buffer;
  for (std::size_t node = 0; node < plan_.nodes.size(); node++)
    for (const Family family : {Family::ipv4, Family::ipv6})
      while (const auto datagram = receive_datagram(socket_of(node, family), buffer))
        take(pairs, node, datagram->source, datagram->payload);
}

void Reachability::take(std::vector<Pair>& pairs, std::size_t node, const IpAddress& source, Bytes payload) {
  ByteReader reader(payload);
  const bool ours = reader.u64() == kMagic && reader.u64() == round_;
  const std::uint64_t index = reader.u64();
  if (reader.failed() || !ours || index >= pairs.size() || pairs[index].to != node) return;
  const auto& own = plan_.nodes[pairs[index].from].addresses;
  if (std::find(own.begin(), own.end(), source) != own.end()) pairs[index].reached = true;
}

}  // namespace starling::lab
