#include "wg/io/setconf.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <memory>
#include <set>

#include "wg/io/socket_address.h"

namespace starling::wg {
namespace {

constexpr std::array kQuickKeys = {"address", "dns",     "mtu",      "table",     "preup",
                                   "postup",  "predown", "postdown", "saveconfig"};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// The next piece up to `separator`; `rest` is left behind it.
std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view piece = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return piece;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "10.0.0.0/8", host bits masked as `wg` does it; without a length the address alone.
std::optional<Prefix> parse_allowed_ip(std::string_view text) {
  if (text.find('/') == std::string_view::npos) {
    const std::optional<IpAddress> address = IpAddress::parse(text);
    return address ? std::optional(Prefix::host(*address)) : std::nullopt;
  }
  const std::optional<InterfaceAddress> address = InterfaceAddress::parse(text);
  return address ? std::optional(address->subnet()) : std::nullopt;
}

// No white space, control character or end of a C string, which the resolver would take for its end.
bool is_host(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7f;
  });
}

// "host:port" or "[v6]:port".
std::optional<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;  // IPv6 without brackets: where does the port begin?
  }
  const std::optional<std::uint16_t> number = parse_number<std::uint16_t>(port);
  if (!is_host(host) || !number || *number == 0) return std::nullopt;
  return HostPort{std::string(host), std::string(port)};
}

class Parser {
 public:
  explicit Parser(const std::string& file) : file_(file) {}

  Result<Setconf> parse(std::string_view text) {
    while (!text.empty() && !error_) {
      ++line_;
      std::string_view line = take_until(text, '\n');
      line = trim(line.substr(0, line.find('#')));
      if (!line.empty()) on_line(line);
    }
    if (!error_) check_whole();
    if (error_) return *error_;
    return std::move(config_);
  }

 private:
  enum class Section : std::uint8_t { none, interface, peer };

  void fail(std::string_view what) { fail_at(line_, what); }
  void fail_at(int line, std::string_view what) { error_ = Error{fmt::format("{}:{}: {}", file_, line, what)}; }

  void on_line(std::string_view line) {
    if (line.front() == '[') return on_section(line);
    if (line.find('=') == std::string_view::npos) return fail(fmt::format("'{}': must be Key = Value", line));
    std::string_view rest = line;
    const std::string_view key = trim(take_until(rest, '='));
    const std::string_view value = trim(rest);
    switch (section_) {
      case Section::none: return fail(fmt::format("'{}' before any section; begin with [Interface] or [Peer]", key));
      case Section::interface: return on_interface_key(key, value);
      case Section::peer: return on_peer_key(key, value);
    }
  }

  void on_section(std::string_view line) {
    const std::string name = lower(line);
    if (name == "[interface]") {
      section_ = Section::interface;
    } else if (name == "[peer]") {
      section_ = Section::peer;
      config_.peers.emplace_back().line = line_;
    } else {
      fail(fmt::format("unknown section {}; there are [Interface] and [Peer]", line));
    }
  }

  void on_interface_key(std::string_view name, std::string_view value) {
    const std::string key = lower(name);
    if (key == "privatekey") {
      config_.private_key = parse_secret_key(value);
      if (!config_.private_key) fail("PrivateKey: must be the 44 characters that `wg genkey` prints");
    } else if (key == "listenport") {
      take_number(config_.listen_port, value, "ListenPort: must be 0 to 65535 (0: any free port)");
    } else if (key == "fwmark") {
      take_number(config_.fwmark, value == "off" ? "0" : value,
                  "FwMark: must be a 32-bit number, 0x… or decimal, or off");
    } else if (std::find(kQuickKeys.begin(), kQuickKeys.end(), key) != kQuickKeys.end()) {
      fail(fmt::format("{} is a key of wg-quick; `wg-quick strip` prints the file without such keys", name));
    } else {
      fail(fmt::format("unknown key {}; [Interface] has PrivateKey, ListenPort and FwMark", name));
    }
  }

  void on_peer_key(std::string_view name, std::string_view value) {
    const std::string key = lower(name);
    SetconfPeer& peer = config_.peers.back();
    if (key == "publickey") {
      peer.public_key = parse_public_key(value);
      if (!peer.public_key) fail("PublicKey: must be the 44 characters that `wg pubkey` prints");
    } else if (key == "presharedkey") {
      peer.preshared_key = parse_secret_key(value);
      if (!peer.preshared_key) fail("PresharedKey: must be the 44 characters that `wg genpsk` prints");
    } else if (key == "endpoint") {
      peer.endpoint = parse_host_port(value);
      peer.endpoint_line = line_;
      if (!peer.endpoint) fail(fmt::format("Endpoint '{}': must be HOST:PORT, or [IPV6]:PORT", value));
    } else if (key == "allowedips") {
      on_allowed_ips(peer, value);
    } else if (key == "persistentkeepalive") {
      take_number(peer.persistent_keepalive_s, value == "off" ? "0" : value,
                  "PersistentKeepalive: must be 1 to 65535 seconds, or off");
    } else {
      fail(fmt::format(
          "unknown key {}; [Peer] has PublicKey, PresharedKey, Endpoint, AllowedIPs and PersistentKeepalive", name));
    }
  }

  void on_allowed_ips(SetconfPeer& peer, std::string_view value) {
    while (!value.empty() && !error_) {
      const std::string_view text = trim(take_until(value, ','));
      const std::optional<Prefix> prefix = parse_allowed_ip(text);
      if (prefix) {
        peer.allowed_ips.push_back(*prefix);
      } else {
        fail(fmt::format("AllowedIPs '{}': must be ADDRESS/LENGTH, such as 10.0.0.0/8 or fd00::/64", text));
      }
    }
  }

  template <typename Number>
  void take_number(Number& out, std::string_view value, std::string_view otherwise) {
    const std::optional<Number> number = parse_number<Number>(value);
    if (number) out = *number;
    if (!number) fail(fmt::format("'{}': {}", value, otherwise));
  }

  void check_whole() {
    if (!config_.private_key) return fail("no PrivateKey in [Interface]; make one with `wg genkey`");
    std::set<PublicKey> keys;
    for (const SetconfPeer& peer : config_.peers) {
      if (!peer.public_key) return fail_at(peer.line, "this [Peer] has no PublicKey");
      if (!keys.insert(*peer.public_key).second) {
        return fail_at(peer.line, fmt::format("peer {}: there already; a public key can be one peer only",
                                              to_base64(*peer.public_key)));
      }
    }
  }

  const std::string& file_;
  int line_ = 0;
  Section section_ = Section::none;
  Setconf config_;
  std::optional<Error> error_;
};

}  // namespace

Result<Setconf> parse_setconf(std::string_view text, const std::string& file) {
  return Parser(file).parse(text);
}

Result<Endpoint> resolve(const HostPort& host_port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host_port.host.c_str(), host_port.port.c_str(), &hints, &found);
  if (status != 0) {
    return Error{fmt::format("host '{}' has no address: {}", host_port.host, ::gai_strerror(status))};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  sockaddr_storage address{};
  std::memcpy(&address, found->ai_addr, found->ai_addrlen);
  return from_socket_address(address);
}

Result<UapiChange> to_change(const Setconf& config, const std::string& file) {
  UapiChange change;
  change.private_key = config.private_key;
  change.listen_port = config.listen_port;
  change.fwmark = config.fwmark;
  change.replace_peers = true;
  for (const SetconfPeer& from : config.peers) {
    UapiPeerChange& peer = change.peers.emplace_back();
    peer.public_key = *from.public_key;
    peer.preshared_key = from.preshared_key;
    peer.persistent_keepalive_s = from.persistent_keepalive_s;
    for (const Prefix& prefix : from.allowed_ips) peer.allowed_ips.push_back({prefix, false});
    if (!from.endpoint) continue;
    const Result<Endpoint> endpoint = resolve(*from.endpoint);
    if (!endpoint) return Error{fmt::format("{}:{}: {}", file, from.endpoint_line, endpoint.error().message)};
    peer.endpoint = *endpoint;
  }
  return change;
}

}  // namespace starling::wg
