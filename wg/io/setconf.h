// The configuration file of `wg setconf` (wg(8), CONFIGURATION FILE FORMAT), as starling-wg reads it. Every error names
// file, line and what would be right; nothing is taken from a file with an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"
#include "wg/io/uapi_message.h"

namespace starling::wg {

// host:port as it stands in the file; the host may be a name.
struct HostPort {
  std::string host;
  std::string port;
};

struct SetconfPeer {
  int line = 0;  // of its [Peer]
  std::optional<PublicKey> public_key;
  std::optional<SecretKey> preshared_key;
  std::optional<HostPort> endpoint;
  int endpoint_line = 0;
  std::vector<Prefix> allowed_ips;
  std::uint16_t persistent_keepalive_s = 0;  // 0 off
};

struct Setconf {
  std::optional<SecretKey> private_key;
  std::uint16_t listen_port = 0;
  std::uint32_t fwmark = 0;
  std::vector<SetconfPeer> peers;
};

// `file` is for the errors.
Result<Setconf> parse_setconf(std::string_view text, const std::string& file);

// Asks the resolver where the host is a name, and may wait for it.
Result<Endpoint> resolve(const HostPort& host_port);

// What the file says as one change, as `wg setconf` would send it: all that was before is replaced. Resolves endpoints,
// and may wait for that.
Result<UapiChange> to_change(const Setconf& config, const std::string& file);

}  // namespace starling::wg
