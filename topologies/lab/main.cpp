// `starling lab …`: runs a topology in network namespaces. `starling sim …`: in virtual time (sim/command.h).
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "daemon/config/config.h"
#include "daemon/control/style.h"
#include "daemon/control/table.h"
#include "daemon/control/version.h"
#include "topologies/lab/clock.h"
#include "topologies/lab/exec.h"
#include "topologies/lab/lab.h"
#include "topologies/lab/run.h"
#include "topologies/lab/sim/command.h"
#include "topologies/lab/topology_parser.h"

namespace starling::lab {
namespace {

constexpr int kHeld = 0;
constexpr int kNotHeld = 1;
constexpr int kBadInput = 2;
constexpr std::size_t kNodesWithDebug = 8;  // larger topologies print events of level debug only with --verbose

struct RunArguments {
  std::string topology;
  std::string out_folder;
  bool json = false;
  bool keep = false;
  bool quiet = false;
  bool verbose = false;
};

int complain(int status, const std::string& text) {
  std::fflush(stdout);
  fmt::print(stderr, "starling-lab: {}{}", text, text.empty() || text.back() != '\n' ? "\n" : "");
  return status;
}

std::filesystem::path program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

// Where a topology's NAME is looked for: beside an installed program, and in the checkout that this one was built from.
std::vector<std::string> topology_folders() {
  return {(program_folder() / "../share/starling/topologies").lexically_normal().string(), STARLING_TOPOLOGIES};
}

// Nothing, and the errors printed, if there is no such topology or it is not right.
std::optional<Topology> load(const std::string& file_or_name, const TopologyLimits& limits = {}) {
  const std::string path = find_topology(file_or_name, topology_folders());
  if (path.empty()) {
    complain(kBadInput,
             fmt::format("{}: there is no such file, and no topology of that name; `starling lab list` lists them",
                         file_or_name));
    return std::nullopt;
  }
  auto topology = load_topology(path, limits);
  if (topology) return std::move(topology).value();
  std::fflush(stdout);
  fmt::print(stderr, "{}", to_string(topology.error()));
  return std::nullopt;
}

// The lab that FILE|NAME means for `exec` and `down`: one that is up, or else the topology's name.
std::optional<std::string> lab_name(const std::string& file_or_name) {
  LabRecord record;
  if (file_or_name.find('/') == std::string::npos && read_lab_record(file_or_name, record)) return file_or_name;
  const auto topology = load(file_or_name);
  if (!topology) return std::nullopt;
  return topology->name;
}

// SIGINT and its kin come through a descriptor (Lab::wait_until): nothing is ever left half-way.
void block_signals() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&wanted, signal);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
}

// The topology is to be measured, not whatever else the machine is busy with: everything that the lab starts inherits
// this. Without the permission it goes on as it is.
void ask_for_priority() {
  ::setpriority(PRIO_PROCESS, 0, daemon::kNiceDefault);
}

LabOptions lab_options(const RunArguments& arguments, const Topology& topology, bool colour) {
  LabOptions options;
  options.daemon_program = (program_folder() / "starlingd").string();
  options.out_folder = arguments.out_folder;
  options.keep = arguments.keep;
  options.timeline.colour = colour;
  for (const Node& node : topology.nodes)
    options.timeline.node_width = std::max(options.timeline.node_width, node.name.size());
  options.timeline.verbosity = arguments.quiet                                                 ? Verbosity::nothing
                               : arguments.verbose || topology.nodes.size() <= kNodesWithDebug ? Verbosity::all
                                                                                               : Verbosity::changes;
  if (!arguments.out_folder.empty()) options.timeline.jsonl_path = arguments.out_folder + "/events.jsonl";
  return options;
}

void say_how_to_use(const Lab& lab) {
  const std::string& name = lab.topology().name;
  const NodePlan& first = lab.plan().nodes.front();
  const NodePlan& last = lab.plan().nodes.back();
  fmt::print(
      "\nlab {} stays up. For example:\n  starling lab exec {} {} -- ping -c 3 {}\n  starling lab exec {} {} -- "
      "starling show routes\n"
      "  starling lab down {}\n",
      name, name, first.name, last.addresses.front().to_string(), name, first.name, name);
}

int run_in_lab(const Topology& topology, const RunArguments& arguments) {
  const bool colour = daemon::wants_colour(STDOUT_FILENO);
  const auto progress = [&](const std::string& text) {
    if (!arguments.quiet) fmt::print("{}\n", paint(text, daemon::Style::dim, colour));
    std::fflush(stdout);
  };
  for (const std::string& name : sweep_dead_labs())
    progress(fmt::format("removed what a killed run of {} had left", name));
  if (!arguments.out_folder.empty()) std::filesystem::create_directories(arguments.out_folder);
  const LabOptions options = lab_options(arguments, topology, colour);
  if (::access(options.daemon_program.c_str(), X_OK) != 0)
    throw std::runtime_error(options.daemon_program + " is not there; build or install it beside starling-lab");

  progress(fmt::format("{}: making {} namespaces and {} links", topology.name, topology.nodes.size(),
                       topology.links.size()));
  Lab lab(topology, options);
  progress(fmt::format("{}: starting {} daemons", topology.name, topology.nodes.size()));
  lab.timeline().count_from(mono_now_ns());
  Report report = run(lab, arguments.quiet, colour);
  if (arguments.keep) {
    lab.leave_running();
  } else {
    lab.timeline().be_quiet();  // how they say goodbye is in the logs
    if (const std::string fault = lab.stop_all(); !fault.empty()) report.fault += fault;
  }
  lab.save_logs();
  const std::string result = to_json(topology, report).dump();
  if (!arguments.out_folder.empty()) std::ofstream(arguments.out_folder + "/report.json") << result << '\n';
  fmt::print("{}", to_table(topology, report, colour));
  if (arguments.keep && !arguments.quiet) say_how_to_use(lab);
  if (arguments.json) fmt::print("{}\n", result);
  std::fflush(stdout);
  return report.ok() ? kHeld : kNotHeld;
}

int run_command(const RunArguments& arguments) {
  const auto topology = load(arguments.topology);
  if (!topology) return kBadInput;
  if (::geteuid() != 0) return complain(kBadInput, "needs root (network namespaces and TUN devices)");
  block_signals();
  ask_for_priority();
  try {
    return run_in_lab(*topology, arguments);
  } catch (const Interrupted& interrupted) {
    return complain(128 + interrupted.signal, "interrupted; everything is taken down");
  } catch (const std::exception& error) {
    return complain(kNotHeld, error.what());
  }
}

int check_command(const std::string& file_or_name) {
  const auto topology = load(file_or_name);
  if (!topology) return kBadInput;
  fmt::print("{} is right: {} nodes, {} links, {} events, {} probes, {} expectations\n", topology->name,
             topology->nodes.size(), topology->links.size(), topology->events.size(), topology->probes.size(),
             topology->expectations.size());
  return kHeld;
}

int list_command() {
  using daemon::Column;
  daemon::Table table(
      {{"NAME"}, {"NODES", Column::Align::right}, {"LINKS", Column::Align::right}, {"UP"}, {"DESCRIPTION"}});
  for (const std::string& folder : topology_folders()) {
    std::error_code ignored;
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
      if (entry.path().extension() == ".json" && !entry.path().string().ends_with(".schema.json"))
        paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
      const auto topology = load_topology(path);
      if (!topology) continue;
      LabRecord record;
      const bool up = read_lab_record(topology->name, record);
      table.add_row({std::filesystem::path(path).stem().string(), std::to_string(topology->nodes.size()),
                     std::to_string(topology->links.size()), up ? "yes" : "", topology->description});
    }
    if (!table.empty()) break;
  }
  fmt::print("{}", table.render(daemon::wants_colour(STDOUT_FILENO)));
  return kHeld;
}

int exec_command(const std::string& file_or_name, const std::string& node, const std::vector<std::string>& command) {
  const auto name = lab_name(file_or_name);
  if (!name) return kBadInput;
  return complain(kBadInput, exec_in_node(*name, node, command));
}

int down_command(const std::string& file_or_name) {
  const auto name = lab_name(file_or_name);
  if (!name) return kBadInput;
  if (const std::string problem = take_down(*name); !problem.empty()) return complain(kNotHeld, problem);
  fmt::print("lab {} is down\n", *name);
  return kHeld;
}

constexpr const char* kAbout = R"(Runs a topology in network namespaces: one real starlingd per node, veth pairs between
them, events, real probes through the tunnels, a merged log, and a verdict.
Reached as `starling lab` too.)";

constexpr const char* kFooter = R"(
FILE|NAME  a topology file (topologies/README.md), or the name of a shipped one: see `list`

Exit status: 0 every expectation held, 1 one did not or the run broke, 2 bad input (nothing was started),
128+N ended by signal N (everything is taken down).

Examples:
  starling lab run diamond
  starling lab run ring-8 --json | tail -n 1 | jq .converged_ms
  starling lab run my-network.json --keep --out /tmp/my-network
  starling lab exec diamond a -- starling show routes
  starling lab down diamond)";

int main_with(int argc, char** argv) {
  CLI::App app(kAbout, "starling-lab");
  app.set_version_flag("--version", std::string("starling-lab ") + daemon::version());
  app.footer(kFooter);
  app.require_subcommand(1);

  RunArguments arguments;
  CLI::App* run = app.add_subcommand("run", "Run a topology and report");
  run->add_option("FILE|NAME", arguments.topology, "The topology")->required();
  run->add_flag("--json", arguments.json, "The result as one JSON object, the last line of standard output");
  run->add_option("--out", arguments.out_folder,
                  "Keep configurations, logs, events.jsonl and report.json in this folder")
      ->type_name("DIR");
  run->add_flag("--keep", arguments.keep, "Leave the lab up after the report, until `down`");
  CLI::Option* quiet = run->add_flag("-q,--quiet", arguments.quiet, "No log and no progress, only the result");
  run->add_flag("-v,--verbose", arguments.verbose, "Every event, also in topologies of more than 8 nodes")
      ->excludes(quiet);

  std::string topology, node;
  std::vector<std::string> command;
  CLI::App* exec = app.add_subcommand("exec", "Run a command in a node of a lab that is up");
  exec->add_option("FILE|NAME", topology, "The topology")->required();
  exec->add_option("NODE", node, "The node")->required();
  exec->add_option("COMMAND", command, "The command, after --")->required();
  CLI::App* down = app.add_subcommand("down", "Take down a lab that --keep left up");
  down->add_option("FILE|NAME", topology, "The topology")->required();
  CLI::App* check = app.add_subcommand("check", "Say whether a topology file is right, and start nothing");
  check->add_option("FILE|NAME", topology, "The topology")->required();
  CLI::App* list = app.add_subcommand("list", "List the shipped topologies");
  sim::Command simulator(app, [](const std::string& file_or_name) { return load(file_or_name, kSimulatedLimits); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kHeld : kBadInput;
  }
  if (simulator.parsed()) return simulator.run(argv);
  if (run->parsed()) return run_command(arguments);
  if (exec->parsed()) return exec_command(topology, node, command);
  if (down->parsed()) return down_command(topology);
  if (check->parsed()) return check_command(topology);
  return list->parsed() ? list_command() : kBadInput;
}

}  // namespace
}  // namespace starling::lab

int main(int argc, char** argv) {
  return starling::lab::main_with(argc, argv);
}
