// routing_packets samples FILE: a capture file with one of each routing message, as our own encoder makes them, and
// some that are wrong in one way. routing_packets hostile FILE SEED: thousands that were cut, lengthened and changed at
// random. Prints for each packet what our own decoder says of it, on a line: `-` or the names of what is wrong.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "routing/grant.h"
#include "routing/identity.h"
#include "routing/limits.h"
#include "routing/messages.h"
#include "wg/io/pcapng.h"
#include "wg/protocol/control_packet.h"
#include "wg/protocol/link_local.h"

using namespace starling;
using namespace starling::routing;

namespace {

using Packet = std::vector<std::uint8_t>;

constexpr int kHostilePackets = 4000;
constexpr Envelope kEnvelope{0x1111111111111111u, 0x2222222222222222u};

// --- packets ---

Identity identity(std::uint8_t number) {
  std::array<std::uint8_t, 32> secret{};
  secret[0] = number;
  return Identity{SecretKey{Bytes(secret)}};
}

LsaKey key(std::uint8_t first, std::uint16_t fragment = 0) {
  LsaKey key;
  key.origin.bytes.fill(first);
  key.fragment = fragment;
  return key;
}

Hello hello(bool goodbye = false) {
  Hello hello;
  hello.sequence = 12;
  hello.timestamp_us = 4000000001;
  hello.echo_timestamp_us = 123456;
  hello.echo_hold_us = 789;
  hello.has_echo = true;
  hello.interval_us = 100'000;
  hello.multiplier = 3;
  hello.state = NeighborState::full;
  hello.goodbye = goodbye;
  hello.node = key(9).origin;
  hello.digest.fill(0xab);
  return hello;
}

LsaContent content() {
  LsaContent content;
  PublicKey wireguard_key;
  for (std::size_t i = 0; i < kKeySize; ++i) wireguard_key.bytes[i] = static_cast<std::uint8_t>(8 * i + 1);
  content.attributes = NodeAttributes{"node-a.example", wireguard_key, false, true};
  content.links.push_back({key(4).origin, 10, 1500, 25, 1420, true});
  content.links.push_back({key(5).origin, 16777215, 0, 0, 1280});
  for (const char* prefix : {"10.42.0.1/32", "172.20.0.0/14", "0.0.0.0/0", "fd42:1::/48", "2001:db8:0:1::8/126", "::/0",
                             "fe80:0:0:1::/64", "1:2:3:4:5:6:7:8/128"}) {
    content.prefixes.push_back(*Prefix::parse(prefix));
  }
  return content;
}

LsaHandle lsa(std::uint16_t fragment, std::uint64_t sequence, LsaContent content) {
  const Identity origin = identity(1);
  return make_lsa({origin.id(), fragment}, sequence, 3600, std::move(content),
                  [&](Bytes message) { return origin.sign(message); });
}

LsaHandle grant(bool revoked) {
  const Identity network = Identity::of_network(SecretKey{});
  Grant grant;
  grant.holder = identity(1).id();
  grant.serial = 1790000000000002;
  grant.until_s = 1'800'000'000;
  grant.revoked = revoked;
  if (!revoked) grant.rights = {*PrefixPattern::parse("10.42.0.0/16{24,32}"), *PrefixPattern::parse("fd42:1::/48")};
  return sign_grant(grant, [&](Bytes message) { return network.sign(message); });
}

Packet update(const std::vector<LsaHandle>& lsas) {
  std::vector<Packet> packets;
  UpdatePacker packer(kEnvelope, packets);
  for (const LsaHandle& each : lsas) packer.add(*each, 1'234'567);
  return packets.front();
}

// A TLV of a type that nobody knows behind what is there.
Packet with_unknown_tlv(Packet packet) {
  packet.insert(packet.end(), {200, 0, 3, 'n', 'e', 'w'});
  ByteWriter(packet).patch_u16(2, static_cast<std::uint16_t>(packet.size()));
  return packet;
}

Packet changed(Packet packet, std::size_t at, std::uint8_t value) {
  packet[at] = value;
  return packet;
}

std::vector<Packet> right_packets() {
  const Headers headers{key(1), key(5, 3), false, {{key(1), 1, 2}, {key(5, 2), 3, 0x0123456789abcdef}}};
  const Headers last{key(5, 3), {}, true, {}};
  const LsaHandle full = lsa(0, 1790000000000001, content());
  return {encode(kEnvelope, hello()),
          encode(kEnvelope, hello(true)),
          encode(kEnvelope, Ask{key(3, 1)}),
          encode(kEnvelope, headers),
          encode(kEnvelope, last),
          encode(kEnvelope, Request{{key(1), key(2, 7), key(3), key(4)}}),
          update({full}),
          update({lsa(2, kMaxSequence, {}), without_body(*full)}),
          encode(kEnvelope, Ack{{summarize(*full)}}),
          encode(kEnvelope, PathProbe{77, 1372}),
          encode(kEnvelope, PathAnswer{77, 0xd}),
          update({grant(false)}),
          update({grant(true)}),
          with_unknown_tlv(encode(kEnvelope, hello())),
          with_unknown_tlv(update({full}))};
}

std::vector<Packet> wrong_packets() {
  const Packet good = encode(kEnvelope, hello());
  const Packet announcement = update({lsa(0, 7, content())});
  constexpr std::size_t kLsa = kMessageHeaderSize + kTlvHeaderSize;
  Packet empty_instance = good;
  std::memset(empty_instance.data() + 4, 0, 8);
  return {changed(good, 0, 2),   // version
          changed(good, 1, 99),  // type
          changed(good, 3, 91),  // size
          Packet(good.begin(), good.begin() + 19),
          empty_instance,
          changed(good, kMessageHeaderSize + 20, 51),                  // multiplier
          changed(announcement, kMessageHeaderSize + 2, 0xff),         // the TLV's length
          changed(announcement, kLsa + 33, 1),                         // fragment
          changed(announcement, kLsa + 35, 0x40),                      // sequence
          changed(announcement, kLsa + 43, 1),                         // lifetime
          changed(announcement, kLsa + 147 + 3 + 33, '/'),             // name
          changed(update({grant(false)}), kLsa + 147 + 3 + 1, 0xff)};  // end of a grant
}

Packet mutated(Packet packet, RandomSource& random) {
  const std::uint64_t changes = random.below(4);
  for (std::uint64_t i = 0; i < changes && !packet.empty(); ++i) {
    packet[random.below(packet.size())] = static_cast<std::uint8_t>(random.u32());
  }
  const std::uint64_t size_change = random.below(4);
  if (size_change == 0) packet.resize(1 + random.below(packet.size()));
  if (size_change == 1) packet.resize(packet.size() + random.below(300), static_cast<std::uint8_t>(random.u32()));
  // Most keep an honest size, or nothing behind the header would ever be looked at.
  if (packet.size() >= 4 && random.below(8) != 0) {
    ByteWriter(packet).patch_u16(2, static_cast<std::uint16_t>(packet.size()));
  }
  return packet;
}

std::vector<Packet> hostile_packets(std::uint64_t seed) {
  SeededRandom random(seed);
  const std::vector<Packet> seeds = right_packets();
  std::vector<Packet> packets;
  for (int i = 0; i < kHostilePackets; ++i) packets.push_back(mutated(seeds[random.below(seeds.size())], random));
  return packets;
}

// --- what our own decoder says ---

// Of the body alone: what is wrong with the header has names of its own.
bool has_sound_terms(const ReceivedLsa& lsa) {
  LsaHeader header = lsa.header;
  header.sequence = 1;
  header.lifetime_s = 0;
  return decode_grant(header, lsa.body).has_value();
}

std::string wrong_with(const ReceivedLsa& lsa) {
  const LsaHeader& header = lsa.header;
  std::string names;
  const bool is_grant = header.key.fragment == kGrantFragment;
  if (!is_fragment(header.key.fragment)) names += " bad_fragment";
  if (header.sequence == 0 || header.sequence > kMaxSequence) names += " bad_sequence";
  if (is_grant ? header.lifetime_s != 0 : header.lifetime_s == 0 || header.lifetime_s > kMaxLifetimeS)
    names += " bad_lifetime";
  if (is_grant && lsa.has_body && !has_sound_terms(lsa)) names += " bad_grant";
  if (!is_grant && lsa.has_body && !decode_body(lsa.body)) names += " malformed_body";
  return names;
}

std::string wrong_with(const Packet& packet) {
  const Result<Message, RejectReason> message = decode_message(packet);
  if (!message) return to_string(message.error());
  std::string names;
  if (const Update* const found = std::get_if<Update>(&message->content)) {
    for (const ReceivedLsa& each : found->lsas) names += wrong_with(each);
  }
  return names.empty() ? "-" : names.substr(1);
}

// --- the file ---

wg::ControlChannel channel() {
  PublicKey one, other;
  one.bytes.fill(1);
  other.bytes.fill(2);
  return {wg::link_local_address(one), wg::link_local_address(other), kControlPort};
}

class CaptureFile {
 public:
  CaptureFile() {
    writer_.section("routing_packets");
    writer_.interface({"mesh", "", 0});
  }
  void add(const Packet& packet) {
    add(packet, channel());
    std::puts(wrong_with(packet).c_str());
  }
  // Not of the envelope that the engine takes; or not whole in the capture.
  void add(const Packet& packet, const wg::ControlChannel& through, std::size_t lost_size = 0) {
    const Packet inner = wg::make_control_packet(through, packet);
    at_ += std::chrono::milliseconds(1);
    writer_.packet(
        {0, at_, wg::PacketDirection::inbound, Bytes(inner).first(inner.size() - lost_size), inner.size(), 0, {}});
  }
  bool save(const char* path) const {
    std::FILE* const file = std::fopen(path, "wb");
    if (file == nullptr) return false;
    const bool written = std::fwrite(bytes_.data(), 1, bytes_.size(), file) == bytes_.size();
    return std::fclose(file) == 0 && written;
  }

 private:
  std::vector<std::uint8_t> bytes_;
  wg::PcapngWriter writer_{bytes_};
  WallTime at_{std::chrono::seconds(1'790'000'000)};
};

void add_samples(CaptureFile& file) {
  for (const Packet& packet : right_packets()) file.add(packet);
  for (const Packet& packet : wrong_packets()) file.add(packet);
  wg::ControlChannel elsewhere = channel();
  elsewhere.remote = *IpAddress::parse("2001:db8::1");
  file.add(encode(kEnvelope, hello()), elsewhere);
  std::puts("control_invalid");
  file.add(right_packets()[6], channel(), 40);
  std::puts("cut");
}

}  // namespace

int main(int argc, char** argv) {
  CaptureFile file;
  const std::string what = argc > 2 ? argv[1] : "";
  if (what == "samples" && argc == 3) {
    add_samples(file);
  } else if (what == "hostile" && argc == 4) {
    for (const Packet& packet : hostile_packets(std::strtoull(argv[3], nullptr, 10))) file.add(packet);
  } else {
    std::fputs("usage: routing_packets samples FILE | hostile FILE SEED\n", stderr);
    return 2;
  }
  return file.save(argv[2]) ? 0 : 1;
}
