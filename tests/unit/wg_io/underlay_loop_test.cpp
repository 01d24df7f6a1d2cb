#include "wg/io/underlay_loop.h"

#include <doctest/doctest.h>

#include <vector>

using namespace starling;
using namespace starling::wg;

namespace {

constexpr std::uint8_t kUdp = 17;

// An IP header of this version, UDP from 51820 to 4001, and a payload that begins with `type`.
std::vector<std::uint8_t> udp_packet(int version, std::uint8_t type) {
  std::vector<std::uint8_t> packet(version == 4 ? 20 : 40);
  packet[0] = version == 4 ? 0x45 : 0x60;
  packet[version == 4 ? 9 : 6] = kUdp;
  ByteWriter out(packet);
  out.u16(51820);
  out.u16(4001);
  out.u32(0);
  out.u32_le(type);
  packet.resize(packet.size() + 60);
  return packet;
}

}  // namespace

TEST_CASE("the ports of a WireGuard message inside a packet of either family are found") {
  for (const int version : {4, 6}) {
    for (const std::uint8_t type : {std::uint8_t{1}, std::uint8_t{4}}) {
      const auto ports = wireguard_ports(udp_packet(version, type));
      REQUIRE(ports);
      CHECK(ports->source == 51820);
      CHECK(ports->destination == 4001);
    }
  }
}

TEST_CASE("what is not UDP, not WireGuard, a later fragment or too short is not taken for our own") {
  CHECK(!wireguard_ports(udp_packet(4, 0)));
  CHECK(!wireguard_ports(udp_packet(6, 5)));
  auto tcp = udp_packet(4, 4);
  tcp[9] = 6;
  CHECK(!wireguard_ports(tcp));
  auto fragment = udp_packet(4, 4);
  fragment[6] = 0x20;  // more fragments: the first has the ports
  CHECK(wireguard_ports(fragment));
  fragment[7] = 1;
  CHECK(!wireguard_ports(fragment));
  auto options = udp_packet(4, 4);
  options[0] = 0x4f;  // a header of 60 bytes: UDP begins in what was the payload
  CHECK(!wireguard_ports(options));
  for (std::size_t size = 40; size < 52; ++size) {
    auto cut = udp_packet(6, 4);
    cut.resize(size);
    CHECK(!wireguard_ports(cut));
  }
}

TEST_CASE("the first piece of an IPv6 packet that was too large has the ports behind its fragment header") {
  auto fragment = udp_packet(6, 4);
  fragment[6] = 44;
  fragment.insert(fragment.begin() + 40, {kUdp, 0, 0, 1, 0, 0, 0, 9});  // offset 0, more to come
  CHECK(wireguard_ports(fragment));
  for (std::size_t size = 40; size < 60; ++size) {
    auto cut = fragment;
    cut.resize(size);
    CHECK(!wireguard_ports(cut));
  }
  fragment[43] = 8 | 1;  // a later piece
  CHECK(!wireguard_ports(fragment));
  fragment[43] = 1;
  fragment[40] = 6;  // TCP
  CHECK(!wireguard_ports(fragment));
}

TEST_CASE("the loopback addresses are this host's, documentation addresses are not") {
  CHECK(is_local_address(*IpAddress::parse("127.0.0.1")));
  CHECK(!is_local_address(*IpAddress::parse("192.0.2.250")));
}
