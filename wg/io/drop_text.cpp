#include "wg/io/drop_text.h"

#include <fmt/format.h>

#include <cstring>

namespace starling::wg {
namespace {

// The parts that sentences are made of.
struct Words {
  std::string from;     // " from 192.0.2.7:51820", or nothing
  std::string at;       // " at 192.0.2.7:51820", or nothing
  std::string source;   // "source 10.1.2.3"
  std::string towards;  // "10.1.2.3"
  std::string peer;     // "peer X"
  std::string loop;     // "to 192.0.2.7 go into"
  std::string refusal;  // "the kernel's words"
};

Words words_of(const DropReport& report, std::string_view peer, const std::optional<Endpoint>& endpoint) {
  Words words;
  std::string outer;
  if (report.address && report.port != 0) outer = Endpoint{*report.address, report.port, 0}.to_string();
  if (report.address && report.port == 0) outer = report.address->to_string();
  words.from = outer.empty() ? "" : " from " + outer;
  if (outer.empty() && endpoint) outer = endpoint->to_string();
  words.at = outer.empty() ? "" : " at " + outer;
  words.towards = report.address ? report.address->to_string() : "an unknown address";
  words.source = report.address ? "source " + report.address->to_string() : "a source";
  words.loop =
      report.port != 0 ? fmt::format("from {} come out of", outer) : fmt::format("to {} go into", words.towards);
  words.peer = report.peer == kNoPeer ? "an unknown peer" : std::string(peer);
  words.refusal = report.error == 0 ? "for a reason it does not tell" : std::strerror(report.error);
  return words;
}

std::string of_handshake(DropReason reason, const Words& w) {
  switch (reason) {
    case DropReason::no_private_key:
      return fmt::format("a handshake message{} cannot be read: this interface has no PrivateKey yet; set one", w.from);
    case DropReason::bad_mac1:
      return fmt::format(
          "a handshake message{} is for another public key than ours: the other side has a wrong public key "
          "of us; give it `wg pubkey` of our PrivateKey",
          w.from);
    case DropReason::unknown_peer:
      return fmt::format(
          "a handshake initiation{} is by a public key that is no peer here: add a [Peer] with it, or "
          "correct the one there is",
          w.from);
    case DropReason::bad_handshake:
      return fmt::format(
          "a handshake message{} of {} does not authenticate: compare PresharedKey and PublicKey at both "
          "ends",
          w.from, w.peer);
    case DropReason::handshake_replay:
      return fmt::format(
          "a handshake message{} of {} is no newer than the last: if it goes on, its clock ran backwards or "
          "two machines share its key",
          w.from, w.peer);
    case DropReason::handshake_flood:
      return fmt::format("{} starts more handshakes than the limit{}: look for two machines that share its key", w.peer,
                         w.from);
    case DropReason::cookie_required:
      return fmt::format(
          "a handshake message{} was answered with a cookie: this host is flooded with handshakes; honest "
          "senders get in with their next try",
          w.from);
    case DropReason::source_rate_limited:
      return fmt::format("more handshake messages{} than one source's share while this host is flooded with them",
                         w.from);
    case DropReason::low_order_key:
      return fmt::format("the public key of {} is not a valid one: give it `wg pubkey` of its PrivateKey", w.peer);
    case DropReason::handshake_gave_up:
      return fmt::format(
          "no answer from {} to 18 initiations{}: check its Endpoint, firewalls on the way, and that it has "
          "our PublicKey",
          w.peer, w.at);
    default: return {};
  }
}

std::string of_received(DropReason reason, const Words& w) {
  switch (reason) {
    case DropReason::malformed:
      return fmt::format("a datagram{} is not WireGuard: something else sends to this port", w.from);
    case DropReason::receive_overflow:
      return "datagrams came faster than this host could read them; a larger net.core.rmem_max may help";
    case DropReason::unknown_receiver:
      return fmt::format(
          "a packet{} is for a session that is not here: left over from before a restart; it ends with the "
          "next handshake",
          w.from);
    case DropReason::decrypt_failed:
      return fmt::format("a packet{} of {} does not authenticate: damaged or forged on the way", w.from, w.peer);
    case DropReason::replayed:
      return fmt::format("a packet{} of {} came twice or very late: duplicated or much delayed on the way", w.from,
                         w.peer);
    case DropReason::session_expired:
      return fmt::format("a packet{} of {} is for keys that are too old; it ends with the next handshake", w.from,
                         w.peer);
    case DropReason::inner_malformed:
      return fmt::format("{} sent something that is no IP packet: its software is at fault", w.peer);
    case DropReason::ecn_not_capable:
      return fmt::format(
          "congestion on the way from {}: the packet of {} cannot carry the mark, so its loss is the sign", w.peer,
          w.source);
    case DropReason::ingress_source_not_allowed:
      return fmt::format("{} from {} is not in its AllowedIPs but in another peer's: move it there", w.source, w.peer);
    case DropReason::ingress_source_unknown:
      return fmt::format("{} from {} is not in its AllowedIPs: add it there, or let {} use another address", w.source,
                         w.peer, w.peer);
    case DropReason::control_invalid:
      return fmt::format("{} sends to the control port what is not a control packet", w.peer);
    case DropReason::transit_time_exceeded:
      return fmt::format(
          "a packet with {} from {} had no hops left and was answered: someone traces a route; if it goes on, two "
          "nodes' AllowedIPs lead in a circle",
          w.source, w.peer);
    case DropReason::transit_too_big:
      return fmt::format(
          "a packet with {} from {} is larger than the next tunnel's MTU and was answered: its sender will send "
          "smaller ones, unless a firewall drops its ICMP",
          w.source, w.peer);
    case DropReason::tun_write_failed:
      return fmt::format("the kernel refused a packet with {} from {}: {}; is the interface up?", w.source, w.peer,
                         w.refusal);
    default: return {};
  }
}

std::string of_sent(DropReason reason, const Words& w) {
  switch (reason) {
    case DropReason::underlay_loop:
      return fmt::format(
          "the tunnel's own packets {} the tunnel itself: a route leads there; set FwMark and an ip rule", w.loop);
    case DropReason::egress_no_route:
      return fmt::format("{} is in no peer's AllowedIPs, but a route leads it here: add it there, or remove the route",
                         w.towards);
    case DropReason::egress_multicast:
      return "multicast that is in no peer's AllowedIPs: the kernel's own chatter, normal";
    case DropReason::egress_not_ip: return "something writes to the interface what is no IP packet";
    case DropReason::no_endpoint:
      return fmt::format("it is not known where {} is: give it an Endpoint, or let it start", w.peer);
    case DropReason::staged_overflow:
      return fmt::format(
          "more than 128 packets wait for a handshake with {}{}: is its Endpoint right, and does it answer?", w.peer,
          w.at);
    case DropReason::control_superseded:
      return fmt::format("newer control packets took the place of older ones while {} did not answer; normal", w.peer);
    case DropReason::interface_overflow:
      return "packets came to the interface faster than they were read: this host is too busy; a longer queue helps "
             "with bursts (ip link set txqueuelen)";
    case DropReason::interface_down:
      return fmt::format(
          "packets for {} came or waited while the interface was down; bring it up again (ip link set up)", w.peer);
    case DropReason::send_failed:
      return fmt::format("the kernel refused a datagram to {}{}: {}; see `ip route get`", w.peer, w.at, w.refusal);
    case DropReason::queue_full: return "packets came faster than they could be handled: this host is too busy";
    default: return {};
  }
}

}  // namespace

std::string describe_drop(const DropReport& report, std::string_view peer, const std::optional<Endpoint>& endpoint) {
  const Words words = words_of(report, peer, endpoint);
  for (const auto describe : {of_handshake, of_received, of_sent}) {
    if (std::string text = describe(report.reason, words); !text.empty()) return text;
  }
  return {};
}

}  // namespace starling::wg
