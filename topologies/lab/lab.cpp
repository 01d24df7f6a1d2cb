#include "topologies/lab/lab.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "daemon/config/loader.h"
#include "topologies/lab/clock.h"
#include "topologies/lab/system_error.h"

namespace starling::lab {

namespace {

constexpr std::int64_t kGraceForDaemons_ns = 3000 * kNsPerMs;

// The parser has checked them; they are right.
std::vector<daemon::Config> parse_configs(const Plan& plan) {
  std::vector<daemon::Config> configs;
  for (const NodePlan& node : plan.nodes) configs.push_back(daemon::parse_config(node.config, node.name).value());
  return configs;
}

std::vector<std::vector<Prefix>> connected_subnets(const Plan& plan) {
  std::vector<std::vector<Prefix>> subnets(plan.nodes.size());
  for (const LinkPlan& link : plan.links)
    for (const LinkEnd& end : {link.a, link.b}) subnets[end.node].push_back(end.address.subnet());
  return subnets;
}

// A node costs about ten descriptors, a probe two.
void allow_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

FileDescriptor open_signals() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&wanted, signal);
  FileDescriptor fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw_errno("signalfd");
  return fd;
}

void write_private(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::trunc);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  file << content << std::flush;
  if (!file) throw std::runtime_error(path + " cannot be written");
}

}  // namespace

Lab::Lab(const Topology& topology, const LabOptions& options)
    : topology_(topology),
      options_(options),
      plan_(make_plan(topology)),
      configs_(parse_configs(plan_)),
      connected_(connected_subnets(plan_)),
      oracle_(topology_, configs_, connected_),
      state_(topology_),
      timeline_(options.timeline),
      workspace_(topology.name, plan_),
      guardian_(topology.name),
      host_(plan_),
      signals_(open_signals()),
      processes_(plan_.nodes.size()) {
  allow_descriptors();
  try {
    build();
  } catch (...) {
    clean_up(workspace_.name());
    guardian_.dismiss();
    throw;
  }
}

Lab::~Lab() {
  prober_.reset();
  logs_.reset();
  if (!stays_) {
    clean_up(workspace_.name());
    guardian_.dismiss();
  }
}

void Lab::build() {
  host_.build();
  std::vector<LogFollower::Log> logs;
  for (std::size_t node = 0; node < plan_.nodes.size(); node++) {
    write_private(config_path(node), plan_.nodes[node].config.dump(2) + "\n");
    links_.emplace_back(control_path(node));
    kernels_.emplace_back(host_.namespace_fd(node));
    logs.push_back({plan_.nodes[node].name, log_path(node)});
  }
  checker_ = std::make_unique<Checker>(plan_, oracle_, links_, kernels_);
  reachability_ = std::make_unique<Reachability>(plan_, host_);
  prober_ = std::make_unique<Prober>(topology_, plan_, host_, timeline_);
  logs_ = std::make_unique<LogFollower>(timeline_, logs);
}

void Lab::start_all() {
  for (std::size_t node = 0; node < plan_.nodes.size(); node++) start(node);
}

void Lab::start(std::size_t node) {
  ProcessConfig config;
  config.program = options_.daemon_program;
  config.config_file = config_path(node);
  config.control_path = control_path(node);
  config.wireguard_folder = wireguard_folder_of(workspace_.node_folder(plan_.nodes[node].name));
  config.log_file = log_path(node);
  config.namespace_fd = host_.namespace_fd(node);
  config.outlives_lab = options_.keep;
  last_start_ns_ = mono_now_ns();
  processes_[node] = std::make_unique<Process>(config);
  workspace_.record_process(plan_.nodes[node].name, processes_[node]->pid());
}

std::int64_t Lab::apply(const Event& event) {
  const std::int64_t began_ns = mono_now_ns();
  state_.apply(event);
  switch (event.kind) {
    case Event::Kind::cut: host_.cut(event.target); break;
    case Event::Kind::down: host_.down(event.target); break;
    case Event::Kind::restore: host_.restore(event.target); break;
    case Event::Kind::stop:
      processes_[event.target]->kill();
      links_[event.target].close();
      break;
    case Event::Kind::start: start(event.target); break;
  }
  nlohmann::json fields;
  if (event.is_about_link())
    fields["link"] = topology_.link_name(event.target);
  else
    fields["target"] = topology_.nodes[event.target].name;
  timeline_.add_lab(fmt::format("lab.{}", to_string(event.kind)), began_ns, std::move(fields));
  return began_ns;
}

void Lab::wait_until(std::int64_t mono_ns) {
  std::vector<pollfd> waits{{signals_.get(), POLLIN, 0}};
  for (std::size_t node = 0; node < processes_.size(); node++)
    if (processes_[node] && state_.node_up[node]) waits.push_back({processes_[node]->handle(), POLLIN, 0});
  for (;;) {
    const std::int64_t left_ns = std::max<std::int64_t>(0, mono_ns - mono_now_ns());
    const timespec left{left_ns / 1'000'000'000, left_ns % 1'000'000'000};
    const int ready = ::ppoll(waits.data(), waits.size(), &left, nullptr);
    if (ready < 0 && errno == EINTR) continue;
    if (waits[0].revents != 0) {
      signalfd_siginfo signal{};
      if (::read(signals_.get(), &signal, sizeof signal) == sizeof signal)
        throw Interrupted{static_cast<int>(signal.ssi_signo)};
    }
    if (ready <= 0) return;
    complain_about_dead();
  }
}

void Lab::complain_about_dead() {
  for (std::size_t node = 0; node < processes_.size(); node++) {
    if (!processes_[node] || !state_.node_up[node] || processes_[node]->running()) continue;
    logs_->catch_up();
    throw std::runtime_error(fmt::format("starlingd of node {} {}\n{}", plan_.nodes[node].name,
                                         processes_[node]->how_it_ended(), logs_->last_words(plan_.nodes[node].name)));
  }
}

std::string Lab::stop_all() {
  std::string faults;
  const std::int64_t end_ns = mono_now_ns() + kGraceForDaemons_ns;
  for (const auto& process : processes_)
    if (process && process->running()) ::kill(process->pid(), SIGTERM);
  for (std::size_t node = 0; node < processes_.size(); node++) {
    if (!processes_[node] || !state_.node_up[node]) continue;
    pollfd wait{processes_[node]->handle(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(0, (end_ns - mono_now_ns()) / kNsPerMs)));
    const std::string end = processes_[node]->running() ? "does not end at SIGTERM" : processes_[node]->how_it_ended();
    processes_[node]->kill();
    if (end != "exited with status 0") faults += fmt::format("starlingd of node {} {}\n", plan_.nodes[node].name, end);
  }
  logs_->catch_up();
  for (std::size_t node = 0; node < processes_.size() && !faults.empty(); node++)
    faults += logs_->last_words(plan_.nodes[node].name);
  return faults;
}

void Lab::leave_running() {
  workspace_.keep();
  guardian_.dismiss();
  stays_ = true;
}

void Lab::save_logs() const {
  if (options_.out_folder.empty()) return;
  logs_->catch_up();
  for (std::size_t node = 0; node < plan_.nodes.size(); node++) {
    const std::string base = options_.out_folder + "/" + plan_.nodes[node].name;
    for (const auto& [from, to] :
         {std::pair(config_path(node), base + ".json"), std::pair(log_path(node), base + ".log")})
      std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  }
}

std::string Lab::config_path(std::size_t node) const {
  return workspace_.node_folder(plan_.nodes[node].name) + "/config.json";
}

std::string Lab::control_path(std::size_t node) const {
  return workspace_.node_folder(plan_.nodes[node].name) + "/" + configs_[node].interface + ".sock";
}

std::string Lab::log_path(std::size_t node) const {
  return workspace_.node_folder(plan_.nodes[node].name) + "/log";
}

}  // namespace starling::lab
