#include "daemon/config/loader.h"

#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "daemon/config/checks.h"
#include "daemon/config/field_reader.h"
#include "daemon/config/json_file.h"
#include "daemon/config/key_file.h"
#include "routing/grant.h"
#include "routing/identity.h"
#include "routing/limits.h"
#include "wg/io/backend.h"

namespace starling::daemon {

namespace {

using nlohmann::json;

constexpr std::int64_t kUint32Max = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kLocalTable = 255;  // the kernel's own

std::string own_folder(const std::string& source_name) {
  return std::filesystem::path(source_name).parent_path().string();
}

// "10.1.2.3/16" is most likely meant as 10.1.0.0/16: say so.
std::string prefix_advice(const std::string& text) {
  if (const auto address = InterfaceAddress::parse(text))
    return fmt::format("has bits set behind its length; did you mean \"{}\"?", address->subnet().to_string());
  return fmt::format("is \"{}\"; must be a prefix such as \"10.1.0.0/16\" or \"fd00:1::/48\"", text);
}

void read_private_key(FieldReader& reader, const std::string& folder, Config& config, ErrorSink& sink) {
  const bool inline_key = reader.has("private_key");
  const bool key_file = reader.has("private_key_file");
  if (inline_key && key_file) reader.error("private_key", "stands beside private_key_file; keep one of the two");
  if (!inline_key && !key_file)
    reader.missing("private_key", "give it, or private_key_file; `starling keygen` makes one");
  if (const auto text = reader.text("private_key")) {
    if (auto key = parse_secret_key(*text); key && !key->is_zero())
      config.private_key = std::move(*key);
    else  // never quoted: it may be a key with one slip
      reader.error("private_key", "is no private key; must be 44 characters of base64, as `starling keygen` prints");
  }
  if (const auto path = reader.text("private_key_file"); path && !inline_key) {
    const std::string whole = (std::filesystem::path(folder) / *path).string();
    if (auto key = read_key_file(whole); key.ok())
      config.private_key = std::move(key).value();
    else
      sink.add(reader.pointer_to("private_key_file"), key.error().message);
  }
}

void read_names(FieldReader& reader, Config& config) {
  if (const auto name = reader.text("interface")) {
    config.interface = *name;
    if (const auto error = interface_name_error(*name)) reader.error("interface", *error);
  } else if (!reader.has("interface")) {
    reader.missing("interface", "give the tunnel's interface a name, such as \"starling0\"");
  }
  if (const auto name = reader.text("name")) {
    config.name = *name;
    if (const auto error = node_name_error(*name)) reader.error("name", *error);
  } else {
    config.name = default_node_name();
  }
}

void read_addresses(FieldReader& reader, Config& config, ErrorSink& sink) {
  TwiceFinder<IpAddress> twice("address", sink);
  reader.texts("addresses", [&](const std::string& text, const std::string& at) {
    const auto address = InterfaceAddress::parse(text);
    if (!address)
      sink.add(at, fmt::format("is \"{}\"; must be an address with its length, such as \"10.0.0.1/24\"", text));
    else if (const auto error = own_address_error(address->address))
      sink.add(at, *error);
    else {
      twice.see(address->address, at);
      config.addresses.push_back(*address);
    }
  });
}

void read_prefixes(FieldReader& reader, std::string_view key, std::vector<Prefix>& out, TwiceFinder<Prefix>& twice,
                   ErrorSink& sink) {
  reader.texts(key, [&](const std::string& text, const std::string& at) {
    const auto prefix = Prefix::parse(text);
    if (!prefix)
      sink.add(at, prefix_advice(text));
    else if (const auto error = announced_prefix_error(*prefix))
      sink.add(at, *error);
    else {
      twice.see(*prefix, at);
      out.push_back(*prefix);
    }
  });
}

void read_peer_tunnel(FieldReader& reader, PeerEntry& peer) {
  if (const auto text = reader.text("public_key")) {
    const auto key = parse_public_key(*text);
    if (key && *key != PublicKey{})
      peer.public_key = *key;
    else
      reader.error("public_key", "is no public key; must be 44 characters of base64, as `starling pubkey` prints");
  } else if (!reader.has("public_key")) {
    reader.missing("public_key", "give the peer's, as `starling pubkey` prints it there");
  }
  if (const auto text = reader.text("endpoint")) {
    peer.endpoint = HostPort::parse(*text);
    if (!peer.endpoint)
      reader.error("endpoint", fmt::format("is \"{}\"; must be host:port, such as \"192.0.2.1:51820\", "
                                           "\"[2001:db8::1]:51820\" or \"host.example:51820\"",
                                           *text));
  }
  if (const auto text = reader.text("preshared_key")) {
    if (auto key = parse_secret_key(*text); key && !key->is_zero())
      peer.preshared_key = std::move(*key);
    else
      reader.error("preshared_key", "is no preshared key; must be 44 characters of base64, as `wg genpsk` prints");
  }
  if (const auto seconds = reader.integer("persistent_keepalive", 0, kKeepaliveMax_s))
    peer.persistent_keepalive_s = static_cast<std::uint16_t>(*seconds);
}

PeerEntry read_peer(const json& value, const std::string& pointer, TwiceFinder<Prefix>& prefixes, ErrorSink& sink) {
  PeerEntry peer;
  FieldReader reader(value, pointer, sink);
  read_peer_tunnel(reader, peer);
  if (const auto cost = reader.integer("cost", 1, routing::kMaxLinkMetric))
    peer.cost = static_cast<routing::Metric>(*cost);
  peer.routing = reader.boolean("routing").value_or(true);
  read_prefixes(reader, "allowed_ips", peer.allowed_ips, prefixes, sink);
  if (peer.routing && reader.has("allowed_ips"))
    reader.error("allowed_ips", "goes only with \"routing\": false; a peer that routes announces its prefixes itself");
  reader.refuse_unknown();
  return peer;
}

void read_peers(FieldReader& reader, Config& config, ErrorSink& sink) {
  TwiceFinder<PublicKey> keys("peer", sink);
  TwiceFinder<Prefix> prefixes("prefix", sink);
  const std::optional<PublicKey> own_key =
      config.private_key.is_zero() ? std::nullopt : std::optional(wg::derive_public_key(config.private_key));
  reader.array("peers", [&](const json& value, const std::string& at) {
    config.peers.push_back(read_peer(value, at, prefixes, sink));
    const PublicKey& key = config.peers.back().public_key;
    if (key == PublicKey{}) return;  // an error already
    const std::string key_at = child_pointer(at, "public_key");
    keys.see(key, key_at);
    if (key == own_key) sink.add(key_at, "is this node's own key; a peer is another node, give its public key");
  });
}

void read_accept(FieldReader& reader, Config& config, ErrorSink& sink) {
  std::vector<routing::PrefixPattern> patterns;
  reader.texts("accept", [&](const std::string& text, const std::string& at) {
    if (const auto pattern = routing::PrefixPattern::parse(text); pattern.ok())
      patterns.push_back(*pattern);
    else
      sink.add(at, pattern.error().message);
  });
  if (reader.has("accept")) config.accept = routing::ImportPolicy(std::move(patterns));
}

void read_trust(FieldReader& reader, Config& config, ErrorSink& sink) {
  if (const auto text = reader.text("network_key")) {
    if (const auto key = parse_public_key(*text); key && *key != PublicKey{})
      config.network_key = routing::NodeId{key->bytes};
    else
      reader.error("network_key",
                   "is no network key; must be 44 characters of base64, as `starling grant pubkey` prints them");
  }
  if (reader.has("grants") && !reader.has("network_key"))
    reader.error("grants", "stand without network_key, so nobody could check them; give the key that signed them");
  TwiceFinder<routing::NodeId> nodes("node", sink);
  reader.texts("grants", [&](const std::string& text, const std::string& at) {
    const auto parsed = routing::parse_grant(text);
    if (!parsed.ok()) return sink.add(at, parsed.error().message);
    nodes.see(parsed->grant.holder, at);
    if (config.network_key && !routing::is_signed_by(*parsed->lsa, *config.network_key, routing::verify_signature))
      return sink.add(at, "is not signed by network_key; ask for one that is, or mend network_key");
    config.grants.push_back(parsed->lsa);
  });
}

void read_transit(FieldReader& reader, Config& config) {
  config.transit = reader.boolean("transit").value_or(true);
  const auto fast_path = reader.boolean("transit_fast_path");
  config.transit_fast_path = fast_path.value_or(config.transit);
  if (config.transit_fast_path && !config.transit)
    reader.error("transit_fast_path", "is true and \"transit\" is false; leave it out, or let others pass through");
}

void read_offloads(FieldReader& reader, Config& config, ErrorSink& sink) {
  TwiceFinder<std::string> twice("offload", sink);
  reader.texts("without_offloads", [&](const std::string& name, const std::string& at) {
    const auto offloads = name.empty() || name.find(',') != std::string::npos
                              ? Result<wg::Offloads>(Error{})
                              : wg::without_offloads(config.offloads, name);
    if (!offloads.ok()) {
      std::string names;
      for (const wg::OffloadName& offload : wg::kOffloadNames) names += fmt::format("\"{}\", ", offload.name);
      return sink.add(at, fmt::format("is \"{}\"; must be one of {}or \"all\"", name, names));
    }
    config.offloads = *offloads;
    twice.see(name, at);
  });
}

void read_hello(FieldReader& parent, Config& config, ErrorSink& sink) {
  const json* value = parent.object("hello");
  if (value == nullptr) return;
  constexpr auto in_ms = [](Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
  };
  FieldReader reader(*value, parent.pointer_to("hello"), sink);
  if (const auto interval =
          reader.integer("interval_ms", in_ms(routing::kMinHelloInterval), in_ms(routing::kMaxHelloInterval)))
    config.hello.interval = std::chrono::milliseconds(*interval);
  if (const auto multiplier = reader.integer("multiplier", routing::kMinMultiplier, routing::kMaxMultiplier))
    config.hello.multiplier = static_cast<std::uint8_t>(*multiplier);
  reader.refuse_unknown();
}

void read_metric(FieldReader& reader, Config& config) {
  if (const auto mode = reader.one_of("metric", {"fixed", "rtt"}))
    config.metric = static_cast<routing::MetricMode>(*mode);
  if (const auto seconds = reader.integer("path_probe_s", 0, kPathProbeMax_s))
    config.path_probe_interval = std::chrono::seconds(*seconds);
}

void read_routes(FieldReader& parent, Config& config, ErrorSink& sink) {
  const json* value = parent.object("routes");
  if (value == nullptr) return;
  FieldReader reader(*value, parent.pointer_to("routes"), sink);
  if (const auto table = reader.integer("table", 1, kUint32Max)) {
    config.routes.table = static_cast<std::uint32_t>(*table);
    if (*table == kLocalTable)
      reader.error("table", "is the kernel's own table \"local\"; choose another, such as 254");
  }
  if (const auto metric = reader.integer("metric", 1, kUint32Max))
    config.routes.metric = static_cast<std::uint32_t>(*metric);
  reader.refuse_unknown();
}

void read_log(FieldReader& parent, Config& config, ErrorSink& sink) {
  const json* value = parent.object("log");
  if (value == nullptr) return;
  FieldReader reader(*value, parent.pointer_to("log"), sink);
  if (const auto level = reader.one_of("level", {"debug", "info", "warning", "error"}))
    config.log.level = static_cast<EventLevel>(*level);
  if (const auto format = reader.one_of("format", {"text", "json"}))
    config.log.format = static_cast<LogConfig::Format>(*format);
  if (const auto file = reader.text("file")) {
    config.log.file = *file;
    if (file->empty()) reader.error("file", "is empty; name a file, or leave it out to log to standard error");
  }
  reader.refuse_unknown();
}

}  // namespace

Result<Config, ConfigErrors> parse_config(const json& document, const std::string& source_name,
                                          std::string_view pointer_prefix) {
  ErrorSink sink{source_name, {}};
  Config config;
  FieldReader reader(document, std::string(pointer_prefix), sink);
  read_names(reader, config);
  read_private_key(reader, own_folder(source_name), config, sink);
  if (const auto port = reader.integer("listen_port", 0, 65535)) config.listen_port = static_cast<std::uint16_t>(*port);
  read_addresses(reader, config, sink);
  TwiceFinder<Prefix> announced("prefix", sink);
  read_prefixes(reader, "announce", config.announce, announced, sink);
  read_peers(reader, config, sink);
  read_accept(reader, config, sink);
  read_trust(reader, config, sink);
  if (const auto mtu = reader.integer("mtu", kMtuMin, kMtuMax)) config.mtu = static_cast<int>(*mtu);
  read_transit(reader, config);
  read_offloads(reader, config, sink);
  if (const auto workers = reader.integer("workers", 0, wg::kWorkersMax))
    config.workers = static_cast<unsigned>(*workers);
  if (const auto nice = reader.integer("nice", kNiceMin, kNiceMax)) config.nice = static_cast<int>(*nice);
  read_hello(reader, config, sink);
  read_metric(reader, config);
  read_routes(reader, config, sink);
  read_log(reader, config, sink);
  reader.refuse_unknown();
  if (!sink.errors.empty()) return std::move(sink.errors);
  return config;
}

Result<Config, ConfigErrors> load_config(const std::string& path) {
  auto document = read_json_file(path);
  if (!document.ok()) return document.error();
  return parse_config(*document, path);
}

}  // namespace starling::daemon
