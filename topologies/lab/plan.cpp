#include "topologies/lab/plan.h"

#include <blake2.h>
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <stdexcept>

namespace starling::lab {

using nlohmann::json;

namespace {

constexpr std::size_t kDeviceNameSizeMax = 15;     // bytes, IFNAMSIZ without its end
constexpr std::uint16_t kListenPortFirst = 20000;  // below the kernel's ephemeral ports
constexpr std::uint16_t kListenPortCount = 12000;
constexpr const char* kInterface = "starling0";

using Hash = std::array<std::uint8_t, 32>;

// BLAKE2b-256 of "use/topology/node": a hash of its own for every use.
Hash hash_of(std::string_view use, std::string_view topology, std::string_view node) {
  const std::string text = fmt::format("starling lab/{}/{}/{}", use, topology, node);
  Hash hash;
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(),  // NOLINT
                     nullptr, 0);
  return hash;
}

SecretKey made_up_key(const Topology& topology, const Node& node) {
  Hash hash = hash_of("private key", topology.name, node.name);
  hash[0] = static_cast<std::uint8_t>(hash[0] & 248);  // clamped as `wg genkey` does (RFC 7748 §5)
  hash[31] = static_cast<std::uint8_t>((hash[31] & 127) | 64);
  return SecretKey(hash);
}

PublicKey public_key_of(const SecretKey& key) {
  PublicKey result;
  if (crypto_scalarmult_base(result.bytes.data(), key.bytes().data()) != 0)
    throw std::runtime_error("libsodium refuses to derive a public key");
  return result;
}

// fe80::/64 and the first 8 bytes of BLAKE2s-256 over the label and the public key (docs/protocol.md). The lab has its
// own computation, so that it checks the daemon's.
IpAddress link_local_of(const PublicKey& key) {
  constexpr std::string_view kLabel = "starling link-local v1";
  std::array<std::uint8_t, 32> hash{};
  blake2s_state state;
  blake2s_init(&state, hash.size());
  blake2s_update(&state, reinterpret_cast<const std::uint8_t*>(kLabel.data()), kLabel.size());  // NOLINT
  blake2s_update(&state, key.bytes.data(), key.bytes.size());
  blake2s_final(&state, hash.data(), hash.size());
  std::array<std::uint8_t, 16> address{0xfe, 0x80};
  std::copy_n(hash.begin(), 8, address.begin() + 8);
  return IpAddress::v6(address);
}

std::vector<IpAddress> made_up_addresses(const Topology& topology, std::size_t index) {
  const Hash hash = hash_of("addresses", topology.name, "");
  // kNodesMax is below 255, so a lab's are all in one /24; only the simulator has more.
  const auto host = static_cast<std::uint8_t>(index % 255 + 1);
  const auto high = static_cast<std::uint8_t>(index / 255);
  std::array<std::uint8_t, 16> v6{0xfd, hash[2], hash[3], hash[4], hash[5], hash[6]};
  v6[14] = high;
  v6[15] = host;
  return {IpAddress::v4({10, hash[0], static_cast<std::uint8_t>(hash[1] + high), host}), IpAddress::v6(v6)};
}

std::uint16_t made_up_port(const Topology& topology, const Node& node) {
  const Hash hash = hash_of("port", topology.name, node.name);
  return static_cast<std::uint16_t>(kListenPortFirst + (hash[0] << 8 | hash[1]) % kListenPortCount);
}

// What the overrides say, where they say something that can be used; whatever else they hold is for parse_config.
NodePlan plan_node(const Topology& topology, std::size_t index) {
  const Node& node = topology.nodes[index];
  NodePlan plan;
  plan.name = node.name;
  plan.network_namespace = fmt::format("st-{}.{}", topology.name, node.name);

  SecretKey key = made_up_key(topology, node);
  plan.config = json{{"interface", kInterface},
                     {"private_key", to_base64(key.bytes())},
                     {"listen_port", made_up_port(topology, node)},
                     {"name", node.name},
                     {"peers", json::array()},
                     {"log", {{"level", "debug"}, {"format", "json"}}}};
  for (const IpAddress& address : made_up_addresses(topology, index))
    plan.config["addresses"].push_back(Prefix::host(address).to_string());
  if (node.overrides.is_object()) plan.config.update(node.overrides);

  if (const json& text = plan.config["private_key"]; text.is_string())
    if (const auto given = parse_secret_key(text.get_ref<const std::string&>())) key = *given;
  plan.public_key = public_key_of(key);
  plan.link_local = link_local_of(plan.public_key);
  if (const json& port = plan.config["listen_port"]; port.is_number_unsigned())
    plan.listen_port = static_cast<std::uint16_t>(port.get<std::uint64_t>());
  for (const json& text : plan.config["addresses"])
    if (text.is_string())
      if (const auto address = InterfaceAddress::parse(text.get_ref<const std::string&>()))
        plan.addresses.push_back(address->address);
  return plan;
}

// "to-b", or "link7" where that is too long for a device.
std::string device_to(const Node& neighbor, std::size_t link) {
  std::string device = "to-" + neighbor.name;
  return device.size() <= kDeviceNameSizeMax ? device : fmt::format("link{}", link);
}

InterfaceAddress underlay_address(Underlay underlay, std::size_t link, int end) {
  const auto high = static_cast<std::uint8_t>(link >> 8);
  const auto low = static_cast<std::uint8_t>(link);
  if (underlay == Underlay::ipv4) {
    const std::size_t offset = 2 * link + static_cast<std::size_t>(end);
    return {IpAddress::v4({198, static_cast<std::uint8_t>(18 + (offset >> 16)), static_cast<std::uint8_t>(offset >> 8),
                           static_cast<std::uint8_t>(offset)}),
            31};
  }
  return {
      IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(end + 1)}),
      64};
}

LinkEnd plan_end(const Topology& topology, std::size_t index, int end) {
  const Link& link = topology.links[index];
  LinkEnd plan;
  plan.node = end == 0 ? link.a : link.b;
  plan.device = device_to(topology.nodes[end == 0 ? link.b : link.a], index);
  plan.address = underlay_address(link.underlay, index, end);
  plan.mac = fmt::format("02:53:54:{:02x}:{:02x}:{:02x}", index >> 8, index & 0xff, end);
  return plan;
}

json peer_entry(const NodePlan& peer, const LinkEnd& far_end, std::uint32_t cost) {
  return {{"public_key", to_base64(peer.public_key)},
          {"endpoint", Endpoint{far_end.address.address, peer.listen_port, 0}.to_string()},
          {"cost", cost}};
}

}  // namespace

Plan make_plan(const Topology& topology) {
  Plan plan;
  for (std::size_t i = 0; i < topology.nodes.size(); i++) plan.nodes.push_back(plan_node(topology, i));
  for (std::size_t i = 0; i < topology.links.size(); i++) {
    plan.links.push_back({plan_end(topology, i, 0), plan_end(topology, i, 1)});
    const auto& [a, b] = plan.links.back();
    const std::uint32_t cost = topology.links[i].cost;
    plan.nodes[a.node].config["peers"].push_back(peer_entry(plan.nodes[b.node], b, cost));
    plan.nodes[b.node].config["peers"].push_back(peer_entry(plan.nodes[a.node], a, cost));
  }
  return plan;
}

std::optional<IpAddress> shared_family_address(const NodePlan& from, const NodePlan& to) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const auto has = [&](const IpAddress& address) { return address.family() == family; };
    const auto found = std::find_if(to.addresses.begin(), to.addresses.end(), has);
    if (found != to.addresses.end() && std::any_of(from.addresses.begin(), from.addresses.end(), has)) return *found;
  }
  return std::nullopt;
}

}  // namespace starling::lab
