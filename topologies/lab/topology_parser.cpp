#include "topologies/lab/topology_parser.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "daemon/config/field_reader.h"
#include "daemon/config/json_file.h"
#include "daemon/config/loader.h"
#include "topologies/lab/plan.h"
#include "topologies/lab/script_check.h"

namespace starling::lab {

using daemon::child_pointer;
using daemon::ConfigErrors;
using daemon::ErrorSink;
using daemon::FieldReader;

using nlohmann::json;

namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789-";
constexpr std::string_view kNodeCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

bool consists_of(std::string_view text, std::string_view characters, std::size_t size_max) {
  return !text.empty() && text.size() <= size_max && text.find_first_not_of(characters) == std::string_view::npos &&
         text.front() != '-' && text.front() != '.';
}

// Reads one document; every method reads one part of it and adds to `topology_` what is right of it.
class TopologyReader {
 public:
  TopologyReader(const json& document, const TopologyLimits& limits, ErrorSink& sink)
      : root_(document, "", sink), limits_(limits), sink_(sink) {}

  Topology read(const std::string& default_name) {
    read_names(default_name);
    read_nodes();
    read_links();
    read_probes();
    read_events();
    read_expectations();
    root_.refuse_unknown();
    return std::move(topology_);
  }

 private:
  void read_names(const std::string& default_name) {
    topology_.name = root_.text("name").value_or(default_name);
    topology_.description = root_.text("description").value_or("");
    if (!consists_of(topology_.name, kLower, kTopologyNameSizeMax))
      sink_.add(
          root_.has("name") ? "/name" : "",
          fmt::format("the topology's name is {}; must be 1 to {} of a-z, 0-9 and -, and start with a letter or digit",
                      daemon::quoted(topology_.name), kTopologyNameSizeMax));
  }

  void read_nodes() {
    const json* nodes = root_.object("nodes");
    if (nodes == nullptr)
      return root_.missing("nodes", "an object from each node's name to its overrides, such as {\"a\": {}}");
    if (!nodes->is_object())
      return sink_.add("/nodes",
                       fmt::format("is {}; must be an object from names to overrides", daemon::quoted(*nodes)));
    if (nodes->empty()) sink_.add("/nodes", "is empty; must name at least one node");
    if (nodes->size() > limits_.nodes)
      return sink_.add("/nodes", fmt::format("has {} nodes; at most {}", nodes->size(), limits_.nodes));
    for (const auto& [name, overrides] : nodes->items()) read_node(name, overrides);
  }

  void read_node(const std::string& name, const json& overrides) {
    const std::string pointer = child_pointer("/nodes", name);
    if (!consists_of(name, kNodeCharacters, kNodeNameSizeMax))
      sink_.add(
          pointer,
          fmt::format(
              "is no name for a node; must be 1 to {} of a-z, A-Z, 0-9, dot, _ and -, and start with a letter or digit",
              kNodeNameSizeMax));
    if (!overrides.is_object())
      sink_.add(pointer, fmt::format("is {}; must be an object, {{}} for no overrides", daemon::quoted(overrides)));
    Node node{name, overrides.is_object() ? overrides : json::object()};
    for (const auto& [key, why] : kLabsOwn)
      if (node.overrides.erase(key) != 0) sink_.add(child_pointer(pointer, key), why);
    topology_.nodes.push_back(std::move(node));
  }

  void read_links() {
    if (!root_.has("links")) root_.missing("links", "a list such as [{\"nodes\": [\"a\", \"b\"], \"cost\": 10}]");
    root_.array("links", [&](const json& value, const std::string& pointer) {
      FieldReader reader(value, pointer, sink_);
      if (!reader.is_object()) return;
      const auto ends = read_pair(reader, "nodes");
      Link link;
      link.cost = static_cast<std::uint32_t>(reader.integer("cost", 1, kCostMax).value_or(link.cost));
      link.underlay = static_cast<Underlay>(reader.one_of("underlay", {"ipv4", "ipv6"}).value_or(0));
      read_behaviour(reader, link);
      reader.refuse_unknown();
      if (!ends) return;
      if (const auto other = topology_.link_index(ends->first, ends->second))
        return sink_.add(pointer, fmt::format("links {} a second time; a pair has one tunnel, so one link",
                                              topology_.link_name(*other)));
      if (topology_.links.size() == limits_.links)
        return sink_.add(pointer, fmt::format("is one link too many; at most {}", limits_.links));
      link.a = ends->first;
      link.b = ends->second;
      topology_.links.push_back(link);
    });
  }

  // One object for both directions, or a list of two: from the first node to the second, and back.
  void read_behaviour(FieldReader& link_reader, Link& link) {
    const json* value = link_reader.object("sim");
    if (value == nullptr) return;
    const std::string pointer = link_reader.pointer_to("sim");
    if (!value->is_array()) {
      link.there = link.back = read_direction(*value, pointer);
      return;
    }
    if (value->size() != 2)
      return sink_.add(pointer, "must be one object, or a list of two: from the first node to the second, and back");
    link.there = read_direction((*value)[0], child_pointer(pointer, std::size_t{0}));
    link.back = read_direction((*value)[1], child_pointer(pointer, std::size_t{1}));
  }

  LinkBehaviour read_direction(const json& value, const std::string& pointer) {
    constexpr std::int64_t kTimeMax_us = 60'000'000;
    FieldReader reader(value, pointer, sink_);
    LinkBehaviour behaviour;
    const auto read = [&](const char* key, std::int64_t min, std::int64_t max) -> std::optional<std::uint32_t> {
      const auto number = reader.integer(key, min, max);
      if (!number) return std::nullopt;
      return static_cast<std::uint32_t>(*number);
    };
    behaviour.delay_us = read("delay_us", 0, kTimeMax_us);
    behaviour.jitter_us = read("jitter_us", 0, kTimeMax_us);
    behaviour.loss_permille = read("loss_permille", 0, 1000);
    behaviour.duplicate_permille = read("duplicate_permille", 0, 1000);
    behaviour.reorder_permille = read("reorder_permille", 0, 1000);
    behaviour.rate_kbit = reader.integer("rate_kbit", 1, 1'000'000'000);
    behaviour.mtu = read("mtu", 68, 65535);
    reader.refuse_unknown();
    return behaviour;
  }

  void read_probes() {
    root_.array("probes", [&](const json& value, const std::string& pointer) {
      FieldReader reader(value, pointer, sink_);
      if (!reader.is_object()) return;
      const auto from = read_node_name(reader, "from");
      const auto to = read_node_name(reader, "to");
      const auto interval_ms = reader.integer("interval_ms", 1, kProbeIntervalMax_ms);
      if (!reader.has("interval_ms")) reader.missing("interval_ms", "milliseconds between two packets, such as 1");
      reader.refuse_unknown();
      if (!from || !to || !interval_ms) return;
      if (*from == *to) return sink_.add(pointer, "goes from a node to itself; must name two nodes");
      if (find_probe(*from, *to)) return sink_.add(pointer, "stands twice; a pair has one probe a direction");
      if (topology_.probes.size() == kProbesMax)
        return sink_.add(pointer, fmt::format("is one probe too many; at most {}", kProbesMax));
      topology_.probes.push_back({*from, *to, static_cast<std::uint64_t>(*interval_ms)});
    });
  }

  void read_events() {
    std::vector<ScriptedEvent> script;
    root_.array("events", [&](const json& value, const std::string& pointer) {
      FieldReader reader(value, pointer, sink_);
      if (!reader.is_object()) return;
      const auto at_ms = reader.integer("at_ms", 0, kAtMax_ms);
      if (!reader.has("at_ms")) reader.missing("at_ms", "milliseconds after first convergence");
      std::optional<Event> event;
      int kinds = 0;
      for (const Event::Kind kind :
           {Event::Kind::cut, Event::Kind::down, Event::Kind::restore, Event::Kind::stop, Event::Kind::start}) {
        if (!reader.has(to_string(kind))) continue;
        kinds++;
        event = read_event(reader, kind);
      }
      reader.refuse_unknown();
      if (kinds != 1)
        return sink_.add(
            pointer,
            fmt::format("says {} things that happen; must have exactly one of cut, down, restore, stop, start", kinds));
      if (!event || !at_ms) return;
      event->at_ms = *at_ms;
      if (script.size() == kEventsMax)
        return sink_.add(pointer, fmt::format("is one event too many; at most {}", kEventsMax));
      script.push_back({*event, pointer});
    });
    topology_.events = check_script(topology_, std::move(script), sink_);
  }

  std::optional<Event> read_event(FieldReader& reader, Event::Kind kind) {
    Event event;
    event.kind = kind;
    const char* key = to_string(kind);
    if (!event.is_about_link()) {
      const auto node = read_node_name(reader, key);
      if (!node) return std::nullopt;
      event.target = *node;
      return event;
    }
    const auto ends = read_pair(reader, key);
    if (!ends) return std::nullopt;
    const auto link = topology_.link_index(ends->first, ends->second);
    if (!link) {
      reader.error(key, fmt::format("there is no link {}–{}; must name the ends of one in /links",
                                    topology_.nodes[ends->first].name, topology_.nodes[ends->second].name));
      return std::nullopt;
    }
    event.target = *link;
    return event;
  }

  void read_expectations() {
    root_.array("expect", [&](const json& value, const std::string& pointer) {
      FieldReader reader(value, pointer, sink_);
      if (!reader.is_object()) return;
      auto expectation = read_expectation(reader, pointer);
      reader.refuse_unknown();
      if (!expectation) return;
      expectation->source = value;
      if (topology_.expectations.size() == kExpectationsMax)
        return sink_.add(pointer, fmt::format("is one expectation too many; at most {}", kExpectationsMax));
      topology_.expectations.push_back(std::move(*expectation));
    });
  }

  std::optional<Expectation> read_expectation(FieldReader& reader, const std::string& pointer) {
    const bool converged = reader.has("converged_within_ms");
    const bool outage = reader.has("max_outage_ms");
    const bool path = reader.has("path");
    const bool reachable = reader.has("all_reachable_at_ms");
    if (converged + outage + path + reachable != 1) {
      // Every key of every kind is known here: the error is about their number.
      for (const char* key : {"probe", "at_ms"}) reader.has(key);
      sink_.add(pointer,
                "must be one of {\"converged_within_ms\"}, {\"max_outage_ms\", \"probe\"}, {\"path\", \"at_ms\"}, "
                "{\"all_reachable_at_ms\"}");
      return std::nullopt;
    }
    Expectation expectation;
    if (converged) return read_converged(reader, expectation);
    if (outage) return read_outage(reader, expectation);
    if (path) return read_path(reader, expectation);
    expectation.kind = Expectation::Kind::all_reachable;
    const auto at_ms = reader.integer("all_reachable_at_ms", 0, kAtMax_ms);
    if (!at_ms) return std::nullopt;
    expectation.at_ms = *at_ms;
    return expectation;
  }

  static std::optional<Expectation> read_converged(FieldReader& reader, Expectation expectation) {
    const auto limit_ms = reader.integer("converged_within_ms", 1, kLimitMax_ms);
    if (!limit_ms) return std::nullopt;
    expectation.kind = Expectation::Kind::converged_within;
    expectation.limit_ms = *limit_ms;
    return expectation;
  }

  std::optional<Expectation> read_outage(FieldReader& reader, Expectation expectation) {
    expectation.kind = Expectation::Kind::max_outage;
    const auto limit_ms = reader.integer("max_outage_ms", 0, kLimitMax_ms);
    if (!reader.has("probe")) reader.missing("probe", "the ends of a probe, such as [\"a\", \"d\"]");
    const auto ends = read_pair(reader, "probe");
    if (!limit_ms || !ends) return std::nullopt;
    const auto probe = find_probe(ends->first, ends->second);
    if (!probe) {
      reader.error("probe", fmt::format("there is no probe from {} to {}; must name the from and to of one in /probes",
                                        topology_.nodes[ends->first].name, topology_.nodes[ends->second].name));
      return std::nullopt;
    }
    expectation.limit_ms = *limit_ms;
    expectation.probe = *probe;
    return expectation;
  }

  std::optional<Expectation> read_path(FieldReader& reader, Expectation expectation) {
    expectation.kind = Expectation::Kind::path;
    const auto at_ms = reader.integer("at_ms", 0, kAtMax_ms);
    if (!reader.has("at_ms")) reader.missing("at_ms", "milliseconds after first convergence");
    bool good = at_ms.has_value();
    reader.texts("path", [&](const std::string& name, const std::string& pointer) {
      const auto node = known_node(name, pointer);
      good = good && node;
      if (node) expectation.path.push_back(*node);
    });
    if (!good) return std::nullopt;
    if (expectation.path.size() < 2) {
      reader.error("path", "must be a list of at least two nodes, from the first to the last");
      return std::nullopt;
    }
    for (std::size_t i = 1; i < expectation.path.size(); i++)
      if (!topology_.link_index(expectation.path[i - 1], expectation.path[i])) {
        sink_.add(
            child_pointer(reader.pointer_to("path"), i),
            fmt::format("there is no link {}–{}; a path follows links", topology_.nodes[expectation.path[i - 1]].name,
                        topology_.nodes[expectation.path[i]].name));
        return std::nullopt;
      }
    expectation.at_ms = *at_ms;
    return expectation;
  }

  // ["a", "b"]: two different known nodes.
  std::optional<std::pair<std::size_t, std::size_t>> read_pair(FieldReader& reader, const char* key) {
    std::vector<std::size_t> nodes;
    std::size_t named = 0;
    if (!reader.has(key)) {
      reader.missing(key, "two nodes, such as [\"a\", \"b\"]");
      return std::nullopt;
    }
    const std::size_t errors_before = sink_.errors.size();
    reader.texts(key, [&](const std::string& name, const std::string& pointer) {
      named++;
      if (const auto node = known_node(name, pointer)) nodes.push_back(*node);
    });
    if (sink_.errors.size() != errors_before) return std::nullopt;
    if (named != 2 || nodes[0] == nodes[1]) {
      reader.error(key, "must name two different nodes, such as [\"a\", \"b\"]");
      return std::nullopt;
    }
    return std::pair(nodes[0], nodes[1]);
  }

  std::optional<std::size_t> read_node_name(FieldReader& reader, const char* key) {
    if (!reader.has(key)) {
      reader.missing(key, "the name of a node in /nodes");
      return std::nullopt;
    }
    const auto name = reader.text(key);
    return name ? known_node(*name, reader.pointer_to(key)) : std::nullopt;
  }

  std::optional<std::size_t> known_node(const std::string& name, const std::string& pointer) {
    const auto node = topology_.node_index(name);
    if (node) return node;
    std::vector<std::string_view> names;
    for (const Node& known : topology_.nodes) names.push_back(known.name);
    const std::string_view meant = daemon::nearest_word(name, names);
    sink_.add(pointer,
              fmt::format("there is no node {}; {}", daemon::quoted(name),
                          meant.empty() ? "must be a name in /nodes" : fmt::format("did you mean \"{}\"?", meant)));
    return std::nullopt;
  }

  std::optional<std::size_t> find_probe(std::size_t from, std::size_t to) const {
    for (std::size_t i = 0; i < topology_.probes.size(); i++)
      if (topology_.probes[i].from == from && topology_.probes[i].to == to) return i;
    return std::nullopt;
  }

  static constexpr std::int64_t kCostMax = 0xffffff;
  static constexpr std::pair<const char*, const char*> kLabsOwn[] = {
      {"peers", "is made from /links; say there who is linked to whom and at what cost"},
      {"name", "is the node's key in /nodes; rename it there"},
      {"log", "is the lab's, which reads every node's events; use --out to keep the logs"},
      {"private_key_file", "would lie outside the topology; give private_key, or let the lab make one up"}};

  FieldReader root_;
  const TopologyLimits limits_;
  ErrorSink& sink_;
  Topology topology_;
};

// Every node's whole configuration, through the daemon's own parser, and what the nodes have together.
void check_plan(const Topology& topology, ErrorSink& sink) {
  const Plan plan = make_plan(topology);
  std::map<PublicKey, std::string> keys;
  std::map<IpAddress, std::string> addresses;
  for (const NodePlan& node : plan.nodes) {
    const std::string pointer = child_pointer("/nodes", node.name);
    const auto config = daemon::parse_config(node.config, sink.file, pointer);
    if (!config) sink.errors.insert(sink.errors.end(), config.error().begin(), config.error().end());
    if (config && node.listen_port == 0)
      sink.add(child_pointer(pointer, "listen_port"),
               "is 0, which lets the kernel pick; must be a port that the peers can be told");
    if (config && node.addresses.empty())
      sink.add(daemon::child_pointer(pointer, "addresses"),
               "is empty; a node of a lab has at least one address, by which the others reach it");
    if (const auto [other, fresh] = keys.emplace(node.public_key, node.name); !fresh)
      sink.add(child_pointer(pointer, "private_key"),
               fmt::format("is also node {}'s; every node has its own", other->second));
    for (const IpAddress& address : node.addresses)
      if (const auto [other, fresh] = addresses.emplace(address, node.name); !fresh)
        sink.add(child_pointer(pointer, "addresses"),
                 fmt::format("{} is also node {}'s; every node has its own (announce may be shared)",
                             address.to_string(), other->second));
  }
  for (std::size_t i = 0; i < topology.probes.size(); i++)
    if (const Probe& probe = topology.probes[i]; !shared_family_address(plan.nodes[probe.from], plan.nodes[probe.to]))
      sink.add("/probes",
               fmt::format("the probe {} joins nodes without addresses of the same family; give both an IPv4 "
                           "or both an IPv6 address",
                           topology.describe(probe)));
}

}  // namespace

std::string find_topology(const std::string& file_or_name, const std::vector<std::string>& folders) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(file_or_name, ignored)) return file_or_name;
  if (file_or_name.find('/') != std::string::npos) return {};
  for (const std::string& folder : folders) {
    const std::string path = folder + "/" + file_or_name + ".json";
    if (std::filesystem::is_regular_file(path, ignored)) return path;
  }
  return {};
}

Result<Topology, ConfigErrors> parse_topology(std::string_view text, const std::string& source_name,
                                              const TopologyLimits& limits) {
  auto document = daemon::parse_json_text(text, source_name);
  if (!document) return document.error();
  ErrorSink sink{source_name, {}};
  Topology topology = TopologyReader(*document, limits, sink).read(std::filesystem::path(source_name).stem().string());
  check_plan(topology, sink);
  if (!sink.errors.empty()) return std::move(sink.errors);
  return topology;
}

Result<Topology, ConfigErrors> load_topology(const std::string& path, const TopologyLimits& limits) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || file.bad() || text.fail()) return ConfigErrors{{path, "", "cannot be read; name a topology file"}};
  return parse_topology(text.view(), path, limits);
}

}  // namespace starling::lab
