// The engine as the daemon sees it: tunnels to peers, two tables, control packets. The one header of wg that daemon/
// includes (with wg/tables.h and its like). Two implementations are planned: our own engine in user space
// (make_userspace_backend), and the kernel's (a later issue); nothing here may assume either.
//
// Threads: every call is made from one thread, the owner's. The implementation runs threads of its own and hands what
// happened back through notification_fd(), which polls readable, and dispatch(), which calls the observer on the
// owner's thread. All calls return at once: nothing here waits for the network.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"
#include "base/time.h"
#include "wg/drop_reason.h"
#include "wg/io/offloads.h"
#include "wg/tables.h"
#include "wg/unreachable.h"

namespace starling::wg {

// The link-local address of a node inside its tunnels: fe80::/64 and 64 bits of BLAKE2s over its WireGuard public key
// (docs/protocol.md says which). Both ends can compute it, so it needs no configuration.
IpAddress link_local_address(const PublicKey& key);

// X25519 of the base point: what `wg pubkey` prints.
PublicKey derive_public_key(const SecretKey& private_key);

// Of one engine, whose queue holds no more pieces of work than that (workers.h).
inline constexpr unsigned kWorkersMax = 64;

struct BackendConfig {
  std::string interface;           // 1..15 bytes; created, must not exist
  SecretKey private_key;           // clamped on use; zeros: none yet, so no handshake until set_private_key
  std::uint16_t listen_port = 0;   // 0: the kernel picks one; the same on IPv4 and IPv6
  std::uint32_t fwmark = 0;        // SO_MARK of the UDP sockets, 0 none
  int mtu = 1420;                  // bytes of an inner packet, 1280..65535
  std::uint16_t control_port = 0;  // UDP port of control packets inside the tunnel; 0: none, such packets are ordinary
  // Says of which received control packets (payloads) the owner need not be woken: they wait for something else to be
  // told, for kControlWaitMax at most. Called on the engine's thread. None: of none.
  bool (*control_can_wait)(Bytes payload) = nullptr;
  // The UDP port is bound while the interface is up, and only then. False leaves it down, for others to bring up.
  bool bring_up = true;
  // >= 0: an open TUN to use instead of creating one (`interface` is then not looked at). Taken over, closed at the
  // end.
  int tun_fd = -1;
  // Where the keys of each handshake are written for Wireshark (key_log.h): whoever has it can read all traffic. Empty:
  // nowhere.
  std::string key_log_file;
  Offloads offloads;
  // Threads that encrypt and decrypt, the engine's own included, up to kWorkersMax. 0: as many as this process has
  // processors; one where there are two or less.
  unsigned workers = 0;
  std::string aead;  // which library encrypts packets (`libipsec-mb`, `libsodium`); empty: the fastest here
};

struct PeerConfig {
  PublicKey public_key;
  std::optional<SecretKey> preshared_key;
  std::optional<Endpoint> endpoint;
  std::uint16_t persistent_keepalive_s = 0;  // 0 off
  bool control = false;                      // control packets are exchanged with this peer
};

struct PeerStatus {
  PeerId id = kNoPeer;
  PublicKey public_key;
  bool has_preshared_key = false;
  std::optional<Endpoint> endpoint;
  std::uint16_t persistent_keepalive_s = 0;
  std::optional<WallTime> last_handshake;
  std::uint64_t rx_bytes = 0;  // as `wg show` counts: UDP payload of authenticated messages
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_packets = 0;  // inner data packets
  std::uint64_t tx_packets = 0;
  std::uint32_t unanswered_initiations = 0;  // in the present attempt
  DropCounters drops{};
};

struct BackendStatus {
  std::string interface;  // its present name
  std::uint32_t interface_index = 0;
  bool up = false;                // the interface; its UDP port is bound
  PublicKey public_key;           // meaningless without a private key
  std::uint16_t listen_port = 0;  // 0: none was ever bound or asked for
  std::string aead;               // which library encrypts packets, as in BackendConfig; never empty
  std::uint32_t fwmark = 0;
  int mtu = 0;                        // the interface's at this moment
  DropCounters drops{};               // where no peer is known
  unsigned helpers = 0;               // threads that encrypt and decrypt, beside the engine's own
  std::uint64_t batches_offered = 0;  // of packets, to them
  std::uint64_t batches_helped = 0;   // and done by one of them
  std::vector<PeerStatus> peers;
};

// Which inner packets a capture writes.
struct CaptureOptions {
  bool control_only = false;      // of the routing protocol alone
  bool dropped = false;           // also those that went no further, with the reason as a comment
  bool peers = false;             // each has its peer's public key as a comment
  std::uint32_t snap_length = 0;  // bytes of each packet; 0: all
  std::uint32_t packets_max = 0;  // after which it ends; 0: no end
  std::string greeting;           // sent ahead of the file: what a control socket answers
};

// How long a control packet waits whose owner need not be woken for it. Longer than owners sleep who send some
// themselves: being woken for nothing is what this is there to avoid.
inline constexpr Duration kControlWaitMax = std::chrono::seconds(1);

// The UDP payload of a control packet for a peer.
struct ControlPacket {
  PeerId peer = kNoPeer;
  Bytes payload;
  // Goes the way of the data, to try it: behind what waits, not marked as urgent outside, and not without a session.
  bool as_data = false;
};

// Packets that were not carried, all for one reason.
struct DropReport {
  PeerId peer = kNoPeer;
  DropReason reason{};
  std::uint64_t count = 0;
  // Of the newest: the inner source (ingress_*), inner destination (egress_*) or outer address, if known.
  std::optional<IpAddress> address{};
  std::uint16_t port = 0;  // of an outer address; 0 unknown
  int error = 0;           // errno of what the kernel refused (send_failed, tun_write_failed); 0 unknown

  friend bool operator==(const DropReport&, const DropReport&) = default;
};

// What the kernel refused.
struct SystemError {
  int code = 0;         // errno
  std::string message;  // what failed, and what would help
};

// What the engine tells its owner, always from inside dispatch().
class BackendObserver {
 public:
  virtual ~BackendObserver() = default;
  // The UDP payload of a control packet that passed all checks of its envelope. `payload` lives until the call returns.
  virtual void on_control_packet(Now received_at, PeerId peer, Bytes payload) = 0;
  // Data went to a peer with `control`, and no traffic came back for a while (base/traffic_watch.h). Later, if some
  // comes after all: on_heard, and so after each catch_up() whenever some has come. Not everyone needs to know.
  virtual void on_quiet(Now /*at*/, PeerId /*peer*/) {}
  virtual void on_heard(Now /*at*/, PeerId /*peer*/) {}
  // A handshake completed; the tunnel can carry packets.
  virtual void on_session(Now at, PeerId peer, bool as_initiator) = 0;
  // An authenticated packet came from another address than before.
  virtual void on_endpoint(Now at, PeerId peer, const Endpoint& endpoint) = 0;
  // The underlay says by ICMP that a datagram to the peer's present endpoint did not arrive. A hint, which anybody may
  // have forged: about one call a second per peer, with the first of each meaning in any case (`is_news`).
  virtual void on_unreachable(Now at, PeerId peer, const Unreachable& what) = 0;
  // Packets were dropped: rate-limited to about one call a second per peer and reason, with the count since the last
  // one.
  virtual void on_drop(Now at, const DropReport& report) = 0;
  // Something is wrong that a person should know of, and the backend goes on.
  virtual void on_warning(Now at, const std::string& what) = 0;
  // The TUN is gone (someone deleted it) or a socket failed for good; the backend carries nothing any more.
  virtual void on_fatal(Now at, const std::string& what) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;  // stops the threads and removes the interface; peers and keys are wiped

  // The owner has told all that it knows by now (peers, tables): packets are taken in from here on, from the network
  // and from the interface. What came sooner waits in the kernel, so a neighbour that is faster than the owner is
  // neither a stranger nor made to begin again. Sending needs no start.
  virtual void start() = 0;

  // The peer's handle. An error for a key that is there already, or our own.
  virtual Result<PeerId> add_peer(const PeerConfig& config) = 0;
  virtual void remove_peer(PeerId peer) = 0;
  // Also starts a handshake at once if packets wait for one.
  virtual void set_endpoint(PeerId peer, const Endpoint& endpoint) = 0;
  virtual void set_preshared_key(PeerId peer, const SecretKey& key) = 0;             // zeros: none
  virtual void set_persistent_keepalive(PeerId peer, std::uint16_t interval_s) = 0;  // 0 off; from 0 sends one at once

  // Of the interface, at any time. With a new private key (zeros: none) the sessions end, peers that had one shake
  // hands at once, and a peer whose public key is now our own is removed.
  virtual void set_private_key(const SecretKey& key) = 0;
  // Refused, everything stays as it was. Port 0: the kernel picks one. Mark 0: none.
  virtual std::optional<SystemError> set_listen_port(std::uint16_t port) = 0;
  virtual std::optional<SystemError> set_fwmark(std::uint32_t mark) = 0;

  // Compile the description and swap it in as one atomic step; packets see the old table or the new, never a mixture.
  virtual void set_egress(const EgressDescription& description) = 0;
  // The groups alone (same count as before): a reroute. Does not touch or copy the prefixes.
  virtual void set_egress_groups(std::vector<NextHopGroup> groups) = 0;
  virtual void set_ingress(const IngressDescription& description) = 0;
  virtual void set_transit(const TransitDescription& description) = 0;
  // What the engine is using at this moment, read back from the live snapshot (not from what was last set).
  virtual EgressDescription egress() const = 0;
  virtual IngressDescription ingress() const = 0;
  virtual TransitDescription transit() const = 0;

  // Wraps each payload as IPv6/UDP between the two link-local addresses and sends it, ahead of data unless it asks for
  // the way of the data. Starts a handshake if there is no session, and then sends only the newest few control packets
  // that waited. The payloads need live no longer than the call.
  virtual void send_control(std::span<const ControlPacket> packets) = 0;

  // Writes the inner packets of all peers, control packets included, into `stream`, a connected stream socket, as a
  // pcapng file, until its reader ends its sending side (the file is completed then) or is gone. The tunnels do not
  // wait for the reader: the file says how many packets found no room. An error if too many captures run already.
  virtual std::optional<Error> start_capture(FileDescriptor stream, const CaptureOptions& options) = 0;

  virtual BackendStatus status() const = 0;

  // Before a timeout is judged: what had arrived at the sockets by now is handed in by the next dispatch(), however
  // late the backend's own threads are, and of what is not control packets, when the newest came. Waits for them, not
  // for the network. A backend without threads needs nothing.
  virtual void catch_up() {}
  // The longest that anything (packets, timers, what the owner asked for) has waited for those threads since this was
  // last asked: how late they are, a processor being everybody's. Zero of a backend without threads.
  virtual Duration take_lateness() { return {}; }

  virtual int notification_fd() const = 0;
  virtual void dispatch(BackendObserver& observer) = 0;
};

// Our own engine: one TUN, one UDP port, one thread for packets and others that help it with the ciphers. The interface
// is there (and up, if asked for) when this returns, and carries nothing before start(); addresses and routes are the
// caller's. An error names what failed and what would help (no /dev/net/tun, no CAP_NET_ADMIN, port in use). The
// environment has a word in how it works: environment.h.
Result<std::unique_ptr<Backend>> make_userspace_backend(const BackendConfig& config);

}  // namespace starling::wg
