#include "topologies/lab/host.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "topologies/lab/command.h"
#include "topologies/lab/network_namespace.h"
#include "topologies/lab/system_error.h"

namespace starling::lab {

namespace {

// What a router's kernel needs (docs/operating.md), and what keeps a link's own addresses quiet and in place.
constexpr std::pair<const char*, const char*> kKernelOptions[] = {
    {"ipv4/ip_forward", "1"},
    {"ipv6/conf/all/forwarding", "1"},
    {"ipv4/conf/all/rp_filter", "0"},
    {"ipv4/conf/default/rp_filter", "0"},
    {"ipv6/conf/default/accept_dad", "0"},
    {"ipv6/conf/default/accept_ra", "0"},
    {"ipv6/conf/all/keep_addr_on_down", "1"},
    {"ipv6/conf/default/keep_addr_on_down", "1"},
};

void write_option(const char* name, const char* value) {
  const std::string path = std::string("/proc/sys/net/") + name;
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), value, 1) != 1) throw_errno(path);
}

// Made anew as a whole, so that it does not matter what was there.
std::string filter_rules(const LinkEnd& end, bool cut) {
  const std::string table = fmt::format("netdev cut-{}", end.device);
  std::string rules = fmt::format("table {0}\ndelete table {0}\n", table);
  if (cut)
    rules += fmt::format(
        "table {} {{ chain arrival {{ type filter hook ingress device \"{}\" priority -500; policy drop; }}; }}\n",
        table, end.device);
  return rules;
}

std::string far_neighbor(const LinkEnd& end, const LinkEnd& far) {
  return fmt::format("neigh replace {} lladdr {} dev {} nud permanent\n", far.address.address.to_string(), far.mac,
                     end.device);
}

}  // namespace

Host::Host(const Plan& plan) : plan_(plan), states_(plan.links.size(), LinkState::whole) {}

void Host::build() {
  std::string commands;
  for (const NodePlan& node : plan_.nodes) commands += fmt::format("netns add {}\n", node.network_namespace);
  Command({"ip", "-batch", "-"}, commands).require();
  for (const NodePlan& node : plan_.nodes) namespaces_.push_back(open_namespace(node.network_namespace));
  for (std::size_t node = 0; node < plan_.nodes.size(); node++) set_kernel_options(node);

  commands.clear();
  for (const auto& [a, b] : plan_.links)
    commands +=
        fmt::format("link add {} address {} netns {} type veth peer name {} address {} netns {}\n", a.device, a.mac,
                    plan_.nodes[a.node].network_namespace, b.device, b.mac, plan_.nodes[b.node].network_namespace);
  Command({"ip", "-batch", "-"}, commands).require();
  configure_links();
}

void Host::set_kernel_options(std::size_t node) const {
  in_namespace(namespaces_[node].get(), [] {
    for (const auto& [name, value] : kKernelOptions) write_option(name, value);
  });
}

void Host::configure_links() const {
  std::vector<std::string> commands(plan_.nodes.size(), "link set lo up\n");
  const auto configure = [&](const LinkEnd& end, const LinkEnd& far) {
    commands[end.node] +=
        fmt::format("addr add {} dev {}\nlink set {} up\n", end.address.to_string(), end.device, end.device);
    commands[end.node] += far_neighbor(end, far);
  };
  for (const auto& [a, b] : plan_.links) {
    configure(a, b);
    configure(b, a);
  }
  for (std::size_t node = 0; node < plan_.nodes.size(); node++)
    Command({"ip", "-batch", "-"}, commands[node], namespaces_[node].get()).require();
}

void Host::cut(std::size_t link) {
  set_filters(link, true);
  states_[link] = LinkState::cut;
}

void Host::down(std::size_t link) {
  set_devices(link, false);
  states_[link] = LinkState::down;
}

void Host::restore(std::size_t link) {
  if (states_[link] == LinkState::cut) set_filters(link, false);
  if (states_[link] == LinkState::down) set_devices(link, true);
  states_[link] = LinkState::whole;
}

// Both ends at the same time: two commands side by side.
void Host::set_filters(std::size_t link, bool cut) const {
  const auto& [a, b] = plan_.links[link];
  Command at_a({"nft", "-f", "-"}, filter_rules(a, cut), namespaces_[a.node].get());
  Command at_b({"nft", "-f", "-"}, filter_rules(b, cut), namespaces_[b.node].get());
  at_a.require();
  at_b.require();
}

void Host::set_devices(std::size_t link, bool up) const {
  const auto& [a, b] = plan_.links[link];
  const auto commands = [&](const LinkEnd& end, const LinkEnd& far) {
    if (!up) return fmt::format("link set {} down\n", end.device);
    return fmt::format("link set {} up\n", end.device) + far_neighbor(end, far);  // going down forgot the neighbour
  };
  Command at_a({"ip", "-batch", "-"}, commands(a, b), namespaces_[a.node].get());
  Command at_b({"ip", "-batch", "-"}, commands(b, a), namespaces_[b.node].get());
  at_a.require();
  at_b.require();
}

}  // namespace starling::lab
