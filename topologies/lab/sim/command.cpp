#include "topologies/lab/sim/command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>

#include "daemon/control/style.h"
#include "topologies/lab/sim/allocator.h"
#include "topologies/lab/sim/arguments.h"
#include "topologies/lab/sim/generator.h"
#include "topologies/lab/sim/report.h"
#include "topologies/lab/sim/sweep.h"
#include "topologies/lab/sim/watchman.h"

namespace starling::sim {

namespace {

constexpr int kHeld = 0;
constexpr int kNotHeld = 1;
constexpr int kBadInput = 2;

int complain(int status, const std::string& text) {
  std::fflush(stdout);
  fmt::print(stderr, "starling sim: {}\n", text);
  return status;
}

constexpr const char* kAbout =
    R"(Runs a topology in virtual time: the same routers as the daemon's, thousands of them in one process,
and everything that happens follows from the seed. docs/simulation.md says what is simulated and how it is measured.)";

constexpr const char* kFooter = R"(
FILE|NAME  a topology file (topologies/README.md), or the name of a shipped one: its events, probes and expectations

Exit status: 0 all was as it must be, 1 it was not (the last lines give the command that does it again), 2 bad input,
128+N ended by signal N.

Examples:
  starling sim run diamond
  starling sim run --generate grid:32x32 --faults cut:20
  starling sim run --generate random:50,3 --faults chaos:60 --link delay=5ms,jitter=2ms,loss=1%
  starling sim run --generate fat-tree:8 --json | tail -n 1 | jq .failures.outage_ms
  starling sim sweep --seeds 1-1000
  starling sim generate grid:4x4 >grid.json && starling lab run grid.json)";

}  // namespace

struct Command::Impl {
  Impl(CLI::App& app, std::function<std::optional<lab::Topology>(const std::string&)> load_function)
      : load(std::move(load_function)) {
    sim = app.add_subcommand("sim", kAbout);
    sim->footer(kFooter);
    sim->require_subcommand(1);
    add_run();
    add_sweep();
    add_generate();
  }

  void add_run() {
    run = sim->add_subcommand("run", "Run a topology and report");
    auto* file = run->add_option("FILE|NAME", arguments.topology, "The topology");
    run->add_option("--generate", arguments.shape,
                    "Instead: grid:ROWSxCOLUMNS, ring:N, line:N, random:N,DEGREE or fat-tree:K")
        ->type_name("SHAPE")
        ->excludes(file);
    run->add_option("--seed", arguments.seed, "What everything random follows from")->capture_default_str();
    run->add_flag("--mixed", arguments.mixed,
                  "With --generate: several costs, end points without transit, anycast prefixes");
    run->add_flag("--trust", arguments.trust,
                  "With a network's key, and grants for what each node announces at the start");
    run->add_option(
           "--faults", faults,
           "What goes wrong, such as cut:10,stop:5,chaos:30; none. Without: random:20 with --generate, else none")
        ->type_name("PLAN");
    run->add_option("--link", arguments.link,
                    "What links do to packets, such as delay=1ms,jitter=200us,loss=1%,rate=10Mbit")
        ->type_name("QUALITY");
    run->add_option("--hello", arguments.hello, "Every router's Hellos, such as 50msx3")->type_name("INTERVAL");
    run->add_option("--traffic", arguments.traffic, "Over what is about to fail: two-way, one-way, mixed or none")
        ->capture_default_str();
    run->add_option("--flows", arguments.flows, "Pairs of nodes that have it")
        ->capture_default_str()
        ->check(CLI::Range(0, 32));
    run->add_option("--start-spread", arguments.start_spread, "Routers start at random within this")
        ->capture_default_str()
        ->type_name("TIME");
    add_output(run);
  }

  void add_sweep() {
    sweep = sim->add_subcommand("sweep", "Run many small networks, one a seed, each with its own shape and faults");
    sweep->add_option("--seeds", seeds, "From the first to the last")->capture_default_str()->type_name("FIRST-LAST");
    sweep->add_flag("--list", list, "Run nothing: print the command that runs each seed alone");
    add_output(sweep);
  }

  void add_generate() {
    generator =
        sim->add_subcommand("generate", "Print a topology made by rule, as a file for `run` or for `starling lab run`");
    generator->add_option("SHAPE", arguments.shape, "As for --generate")->required();
    generator->add_option("--seed", arguments.seed, "What everything random follows from")->capture_default_str();
    generator->add_flag("--mixed", arguments.mixed, "Several costs, end points without transit, anycast prefixes");
  }

  void add_output(CLI::App* command) {
    command->add_flag("--json", json, "The result as one JSON object, the last line of standard output");
    command->add_flag("-q,--quiet", quiet, "No progress");
  }

  std::function<void(const std::string&)> teller() const {
    if (quiet) return {};
    return [colour = daemon::wants_colour(STDOUT_FILENO)](const std::string& text) {
      fmt::print("{}\n", paint(text, daemon::Style::dim, colour));
      std::fflush(stdout);
    };
  }

  // Nothing, and the errors printed, if the input is bad.
  std::optional<lab::Topology> topology_of(const Arguments& wanted) const {
    if (!wanted.topology.empty()) return load(wanted.topology);
    auto generated = generate(wanted.shape, {wanted.seed, wanted.mixed});
    if (generated) return std::move(*generated);
    complain(kBadInput, generated.error().message);
    return std::nullopt;
  }

  int run_one() {
    if (!faults.empty()) arguments.faults = faults;
    if (arguments.topology.empty() && arguments.shape.empty())
      return complain(kBadInput, "name a topology, or make one with --generate; see `starling sim run --help`");
    auto options = options_of(arguments);
    if (!options) return complain(kBadInput, options.error().message);
    const auto topology = topology_of(arguments);
    if (!topology) return kBadInput;
    Watchman watchman(teller());
    options->pulse = [&] { watchman.look(); };
    options->on_progress = [&](const std::string& text) { watchman.tell(text); };
    const Outcome outcome = simulate(*topology, *options);
    const RunFacts facts{arguments.seed, to_command(arguments), watchman.elapsed_s(), peak_memory_mib()};
    fmt::print("{}", to_text(*topology, outcome, facts, daemon::wants_colour(STDOUT_FILENO)));
    if (json) fmt::print("{}\n", to_json(*topology, outcome, facts).dump());
    std::fflush(stdout);
    return outcome.ok() ? kHeld : kNotHeld;
  }

  int run_sweep() {
    const auto range = parse_seeds(seeds);
    if (!range) return complain(kBadInput, range.error().message);
    if (list) {
      for (const std::string& command : commands_of(*range)) fmt::print("{}\n", command);
      return kHeld;
    }
    Watchman watchman(teller());
    const SweepResult result = sim::sweep(*range, watchman);
    fmt::print("{}", to_text(result, watchman.elapsed_s(), daemon::wants_colour(STDOUT_FILENO)));
    if (json) fmt::print("{}\n", to_json(result, watchman.elapsed_s(), peak_memory_mib()).dump());
    std::fflush(stdout);
    return result.failed.empty() ? kHeld : kNotHeld;
  }

  int run_generate() {
    const auto topology = topology_of(arguments);
    if (!topology) return kBadInput;
    fmt::print("{}", to_json_text(*topology));
    return kHeld;
  }

  int dispatch() {
    try {
      if (run->parsed()) return run_one();
      return sweep->parsed() ? run_sweep() : run_generate();
    } catch (const Interrupted& interrupted) {
      return complain(128 + interrupted.signal, "interrupted");
    }
  }

  std::function<std::optional<lab::Topology>(const std::string&)> load;
  CLI::App* sim = nullptr;
  CLI::App* run = nullptr;
  CLI::App* sweep = nullptr;
  CLI::App* generator = nullptr;
  Arguments arguments;
  std::string faults;
  std::string seeds = "1-200";
  bool list = false;
  bool json = false;
  bool quiet = false;
};

Command::Command(CLI::App& app, std::function<std::optional<lab::Topology>(const std::string&)> load)
    : impl_(std::make_unique<Impl>(app, std::move(load))) {}

Command::~Command() = default;

bool Command::parsed() const {
  return impl_->sim->parsed();
}

int Command::run(char** argv) {
  restart_with_tuned_allocator(argv);
  return impl_->dispatch();
}

}  // namespace starling::sim
