// The text of WireGuard's cross-platform configuration protocol, without any I/O: requests in, answers out.
// Source: https://www.wireguard.com/xplatform/#configuration-protocol, and what wireguard-go does where that is silent.
//
// A request is a line that names the operation, lines `key=value`, and a blank line. Invariant: a request is parsed
// whole before anything of it is applied, so one with a mistake changes nothing. wireguard-go applies line by line and
// leaves half of such a request in effect, which nobody who reads the error can see. An answer ends with `errno=N`, N
// zero or a negated errno, and a blank line.
//
// Two operations are our own. One: `get_drops=1` answers with the counters of what was not carried, `reason=packets`
// for each that is not zero; those behind a `public_key` are that peer's. Another is: `capture=1`, with lines
// `control_only=true`, `dropped=true`, `peers=true`, `snap_length=N` and `packets=N` as wanted, makes the connection a
// capture (capture.h), whose file follows the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "base/time.h"
#include "wg/drop_reason.h"
#include "wg/io/backend.h"

namespace starling::wg {

inline constexpr std::size_t kUapiLineMax = 1024;          // bytes; the longest that means something has some 100
inline constexpr std::size_t kUapiRequestMax = 16u << 20;  // bytes; 130,560 allowed IPs take at most 7.4 million
inline constexpr std::size_t kUapiPeersMax = 65536;        // in one request, and of one device

enum class UapiOperation : std::uint8_t { get, set, get_drops, capture };

struct UapiAllowedIp {
  Prefix prefix;
  bool remove = false;  // `allowed_ip=-…`

  friend bool operator==(const UapiAllowedIp&, const UapiAllowedIp&) = default;
};

struct UapiPeerChange {
  PublicKey public_key;
  bool update_only = false;  // do nothing if there is no such peer
  bool remove = false;
  bool replace_allowed_ips = false;        // before allowed_ips are added
  std::optional<SecretKey> preshared_key;  // zeros: none
  std::optional<Endpoint> endpoint;
  std::string endpoint_zone;  // the interface of a link-local endpoint by name, still to be looked up
  std::optional<std::uint16_t> persistent_keepalive_s;
  std::vector<UapiAllowedIp> allowed_ips;  // in the order of the request
};

struct UapiChange {
  std::optional<SecretKey> private_key;  // zeros: none; not clamped yet
  std::optional<std::uint16_t> listen_port;
  std::optional<std::uint32_t> fwmark;
  bool replace_peers = false;  // before peers are added
  std::vector<UapiPeerChange> peers;
};

struct UapiRequest {
  UapiOperation operation = UapiOperation::get;
  int error = 0;        // a positive errno: what is wrong with it; `change` is empty then
  std::string reason;   // and in words, without any value of the request: it may hold keys
  bool broken = false;  // where the next request would begin is not known: answer and close
  UapiChange change;    // of a set
  CaptureOptions capture;
};

struct UapiPeer {
  PublicKey public_key;
  SecretKey preshared_key;  // zeros: none
  std::optional<Endpoint> endpoint;
  std::optional<WallTime> last_handshake;
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_bytes = 0;
  std::uint16_t persistent_keepalive_s = 0;
  std::vector<Prefix> allowed_ips;
};

struct UapiDevice {
  SecretKey private_key;  // zeros: none
  std::uint16_t listen_port = 0;
  std::uint32_t fwmark = 0;
  std::vector<UapiPeer> peers;
};

struct UapiDrops {
  DropCounters without_peer{};
  std::vector<std::pair<PublicKey, DropCounters>> peers;
};

// Takes a stream of bytes, cut anyhow, and makes requests of it. Bounded by kUapiLineMax and kUapiRequestMax. What it
// holds of a request wipes itself.
class UapiParser {
 public:
  UapiParser() = default;
  UapiParser(const UapiParser&) = delete;
  UapiParser& operator=(const UapiParser&) = delete;
  ~UapiParser();

  // Takes bytes up to the end of one request at most; returns how many it took. With a request complete(), none.
  std::size_t feed(std::string_view bytes);

  bool complete() const { return complete_; }
  bool within_request() const { return size_ > 0; }   // a part of one has come
  std::size_t request_size() const { return size_; }  // bytes of it, so far
  UapiRequest take();                                 // only when complete()

 private:
  void on_line(std::string_view line);
  void on_operation(std::string_view line);
  void on_capture_key(std::string_view key, std::string_view value);
  void on_device_key(std::string_view key, std::string_view value);
  void on_peer_key(UapiPeerChange& peer, std::string_view key, std::string_view value);
  void on_allowed_ip(UapiPeerChange& peer, std::string_view value);
  void begin_peer(std::string_view value);
  void fail(int error, std::string reason);
  void fail_value(std::string_view key);
  void fail_key(std::string_view owner, std::string_view key);
  void break_off(int error, std::string reason);
  void wipe_line();

  std::string line_;  // begun, its end has not come
  std::size_t size_ = 0;
  bool begun_ = false;  // the operation is known
  bool complete_ = false;
  UapiRequest request_;
};

// The lines of an answer, without its end. A private key is shown clamped. The text holds keys: wipe it.
std::string print_device(const UapiDevice& device);
std::string print_drops(const UapiDrops& drops);
// `error`: 0 or a positive errno, printed negated.
std::string print_end(int error);

// "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%2]:51820"; a zone that is no number goes to `zone`. An IPv4
// address inside IPv6 (::ffff:192.0.2.1) is taken as IPv4, for that is how it is reached.
std::optional<Endpoint> parse_uapi_endpoint(std::string_view text, std::string& zone);
std::string print_uapi_endpoint(const Endpoint& endpoint);

}  // namespace starling::wg
