// A script of packets: TCP and UDP of a few flows that mostly go on where they ended, with any bytes of theirs changed.
// Joined and cut again they are the same packets, in the same order within each flow, but for IPv4 identifiers; nothing
// with a wrong checksum is joined, nor packets of two owners.
#include <algorithm>
#include <list>
#include <map>
#include <string>

#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/packets.h"
#include "wg/protocol/coalescing.h"
#include "wg/protocol/segmentation.h"

using namespace starling;
using namespace starling::fuzz;
using namespace starling::test;

namespace {

using Packet = std::vector<std::uint8_t>;

constexpr std::size_t kPacketsMax = 140;  // of a script

bool is_whole(const Packet& packet) {
  if (packet[0] >> 4 == 6) return 40 + get_u16(packet, 4) == packet.size();
  const std::size_t header = (packet[0] & 15u) * 4;
  return packet[0] >> 4 == 4 && header >= 20 && header <= packet.size() && get_u16(packet, 2) == packet.size();
}

// Addresses and protocol, and ports where they may be.
std::string flow_of(const Packet& packet) {
  const bool v4 = is_ipv4(packet);
  std::string key(packet.begin() + (v4 ? 12 : 8), packet.begin() + (v4 ? 20 : 40));
  key.push_back(static_cast<char>(protocol_of(packet)));
  const std::size_t transport = header_size(packet);
  if (packet.size() < transport + 4 || (v4 && (get_u16(packet, 6) & 0x1fff) != 0)) return key;
  return key.append(packet.begin() + static_cast<long>(transport), packet.begin() + static_cast<long>(transport) + 4);
}

class Script {
 public:
  explicit Script(FuzzInput& input) : input_(input) {}

  bool ended() const { return input_.empty(); }
  std::uint32_t owner() const { return owner_; }

  Packet next() {
    const std::uint8_t what = input_.u8();
    const std::size_t flow = what & 3;
    IpFields ip = (what & 1) == 0 ? between("10.0.0.1", "10.0.0.2") : between("fd00::1", "fd00::2");
    ip.identifier = identifier_++;
    owner_ = (what & 4) != 0 ? 1 : 0;
    std::size_t size = 40;
    if ((what & 8) != 0) size = input_.u16() % 600;
    const Packet payload(size, what);
    Packet packet = flow < 2 ? tcp(ip, flow, payload) : make_udp(ip, 7, 8, payload);
    if ((what & 16) != 0) change(packet, (what & 32) != 0);
    return packet;
  }

 private:
  Packet tcp(const IpFields& ip, std::size_t flow, const Packet& payload) {
    TcpFields fields;
    fields.sequence = sequences_[flow];
    sequences_[flow] += static_cast<std::uint32_t>(payload.size());
    fields.options.assign(12, 1);
    return make_tcp(ip, fields, payload);
  }

  void change(Packet& packet, bool repaired) {
    for (std::size_t i = 1 + input_.below(3); i > 0; i--) packet[input_.below(80) % packet.size()] = input_.u8();
    if (!repaired || !is_whole(packet)) return;
    // Only where the checksum's place is inside.
    if (packet.size() >= header_size(packet) + 18) repair_checksums(packet);
  }

  FuzzInput& input_;
  std::uint16_t identifier_ = 0xfff0;
  std::uint32_t owner_ = 0;
  std::uint32_t sequences_[2] = {0, 0xffff'ff00};
};

std::vector<Packet> cut(const wg::JoinedPacket& joined) {
  Packet packet;
  for (const Bytes piece : joined.pieces) packet.insert(packet.end(), piece.begin(), piece.end());
  FUZZ_CHECK(packet.size() == joined.size && packet.size() <= 65535);
  if (joined.pieces.size() == 1) return {packet};
  auto plan = wg::Segmentation::plan(joined.virtio, packet);
  FUZZ_CHECK(plan && plan->count() == joined.pieces.size());
  std::vector<Packet> parts;
  for (std::size_t i = plan->count(); i > 0; i--) {
    const MutableBytes segment = plan->next();
    parts.emplace_back(segment.begin(), segment.end());
    FUZZ_CHECK(checksums_are_right(segment));
  }
  return parts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(Bytes(data, size));
  const std::uint8_t switches = input.u8();
  wg::Coalescer coalescer((switches & 1) != 0, (switches & 2) != 0);
  using Sent = std::pair<std::uint32_t, Packet>;  // and whose it was
  std::map<std::string, std::vector<Sent>> sent;
  std::list<Packet> buffers;
  Script script(input);
  while (!script.ended() && buffers.size() < kPacketsMax) {
    const Packet packet = script.next();
    if (!is_whole(packet)) continue;
    sent[flow_of(packet)].emplace_back(script.owner(), packet);
    coalescer.add(buffers.emplace_back(packet), script.owner());
  }
  std::map<std::string, std::size_t> next;  // of each flow's packets, how many came out
  for (wg::JoinedPacket& joined : coalescer.finish()) {
    const std::vector<Packet> parts = cut(joined);
    for (std::size_t i = 0; i < parts.size(); i++) {
      const std::string flow = flow_of(parts[i]);
      FUZZ_CHECK(next[flow] < sent[flow].size());
      const Sent& expected = sent[flow][next[flow]++];
      FUZZ_CHECK(joined.owner == expected.first);
      FUZZ_CHECK(without_identifier(parts[i]) == without_identifier(expected.second));
      const Bytes original = joined.original(i);
      FUZZ_CHECK(Packet(original.begin(), original.end()) == expected.second);
    }
  }
  for (const auto& [flow, packets] : sent) FUZZ_CHECK(next[flow] == packets.size());
  return 0;
}
