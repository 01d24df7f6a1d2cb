#include "topologies/lab/prober.h"

#include <poll.h>

#include <algorithm>
#include <array>

#include "topologies/lab/clock.h"
#include "topologies/lab/udp_socket.h"

namespace starling::lab {

namespace {

constexpr std::uint64_t kMagic = 0x737461726c616221;  // "starlab!"
constexpr std::int64_t kSilence_ns = 100 * kNsPerMs;  // worth a line in the log
constexpr auto kStragglers = std::chrono::milliseconds(250);

}  // namespace

Prober::Prober(const Topology& topology, const Plan& plan, const Host& host, Timeline& timeline) : timeline_(timeline) {
  for (std::size_t i = 0; i < topology.probes.size(); i++) {
    const Probe& probe = topology.probes[i];
    Flow flow;
    flow.index = i;
    flow.name = topology.describe(probe);
    flow.interval_ns = static_cast<std::int64_t>(probe.interval_ms) * kNsPerMs;
    flow.to = shared_family_address(plan.nodes[probe.from], plan.nodes[probe.to]).value();
    flow.sender = open_udp_socket(host.namespace_fd(probe.from), flow.to.family(), 0);
    flow.receiver =
        open_udp_socket(host.namespace_fd(probe.to), flow.to.family(), static_cast<std::uint16_t>(kProbePort + i));
    flows_.push_back(std::move(flow));
  }
}

Prober::~Prober() {
  stop();
}

void Prober::start() {
  const std::int64_t now_ns = mono_now_ns();
  for (Flow& flow : flows_) flow.next_send_ns = now_ns;
  thread_ = std::thread([this] { run(); });
}

void Prober::stop() {
  if (!thread_.joinable()) return;
  sending_ = false;
  std::this_thread::sleep_for(kStragglers);  // the packets' time, not a condition
  ending_ = true;
  thread_.join();
}

std::vector<ProbeRecord> Prober::records() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ProbeRecord> records;
  for (const Flow& flow : flows_) records.push_back(flow.record);
  return records;
}

void Prober::run() {
  constexpr std::int64_t kLongestWait_ns = 50 * kNsPerMs;
  std::vector<pollfd> waits;
  for (const Flow& flow : flows_) waits.push_back({flow.receiver.get(), POLLIN, 0});
  while (!ending_) {
    const std::int64_t now_ns = mono_now_ns();
    std::int64_t wake_ns = now_ns + kLongestWait_ns;
    {
      const std::scoped_lock lock(mutex_);
      for (Flow& flow : flows_) {
        receive(flow);
        notice_silence(flow, now_ns);
        if (sending_ && flow.next_send_ns <= now_ns) send(flow, now_ns);
        if (sending_) wake_ns = std::min(wake_ns, flow.next_send_ns);
      }
    }
    const std::int64_t wait_ns = std::max<std::int64_t>(0, wake_ns - mono_now_ns());
    const timespec wait{wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
    ::ppoll(waits.data(), waits.size(), &wait, nullptr);
  }
}

void Prober::send(Flow& flow, std::int64_t now_ns) {
  std::vector<std::uint8_t> payload;
  ByteWriter writer(payload);
  writer.u64(kMagic);
  writer.u64(flow.index);
  writer.u64(flow.record.packets.size());
  flow.record.packets.push_back({now_ns, 0});
  flow.record.end_ns = now_ns + flow.interval_ns;
  send_datagram(flow.sender.get(), flow.to, static_cast<std::uint16_t>(kProbePort + flow.index), payload);
  // A late thread does not catch up in a burst: what matters is when packets are sent, not how many.
  flow.next_send_ns = std::max(flow.next_send_ns + flow.interval_ns, now_ns);
}

void Prober::receive(Flow& flow) {
  std::array<std::uint8_t, 2048> buffer;
  while (const auto datagram = receive_datagram(flow.receiver.get(), buffer))
    take(flow, datagram->payload, mono_now_ns());
}

void Prober::take(Flow& flow, Bytes payload, std::int64_t now_ns) {
  ByteReader reader(payload);
  const bool ours = reader.u64() == kMagic && reader.u64() == flow.index;
  const std::uint64_t sequence = reader.u64();
  if (reader.failed() || !ours || sequence >= flow.record.packets.size()) return;
  ProbePacket& packet = flow.record.packets[sequence];
  if (packet.received_ns == 0) packet.received_ns = now_ns;
  if (flow.silent && packet.sent_ns > flow.newest_good_ns) {
    timeline_.add_lab("probe.back", packet.sent_ns,
                      {{"probe", flow.name}, {"after_ms", rounded_ms(packet.sent_ns - flow.newest_good_ns)}});
    flow.silent = false;
  }
  flow.newest_good_ns = std::max(flow.newest_good_ns, packet.sent_ns);
}

void Prober::notice_silence(Flow& flow, std::int64_t now_ns) {
  if (flow.silent || flow.record.packets.empty()) return;
  const std::int64_t since_ns = std::max(flow.newest_good_ns, flow.record.packets.front().sent_ns);
  if (now_ns - since_ns < std::max(kSilence_ns, 3 * flow.interval_ns) || flow.record.packets.back().sent_ns <= since_ns)
    return;
  flow.silent = true;
  timeline_.add_lab("probe.silent", now_ns, {{"probe", flow.name}, {"for_ms", rounded_ms(now_ns - since_ns)}},
                    "warning");
}

}  // namespace starling::lab
