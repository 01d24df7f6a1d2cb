// What flooding costs: many routers in one process, each with a real Router, in virtual time over links that delay by a
// millisecond and lose nothing. Two stretches are measured: the start, until all databases agree (computations
// included), and the refreshes of half an hour, in which nothing is computed: each announcement goes to every router,
// which receives it from most of its neighbours, stores one copy, passes it on and acknowledges.
//
// Prints figures as aligned text or (--json) as one object: see docs/performance.md.
#include <fmt/format.h>
#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <queue>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"
#include "routing/identity.h"
#include "routing/lsa_pool.h"
#include "routing/messages.h"
#include "routing/router.h"

namespace {

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

constexpr Duration kDelay = 1ms;
constexpr Duration kEpoch = std::chrono::seconds(1'700'000'000);
constexpr HelloConfig kHello{60s, 50};  // few, for they are not what is measured
constexpr Duration kStartLimit = 120s;
constexpr Duration kRefreshes = 1900s;  // in which every announcement is refreshed once, some twice

struct Options {
  std::uint32_t rows = 32, columns = 32;
  bool json = false;
};

// What was carried, and what it took.
struct Figures {
  std::uint64_t announcements = 0;  // received, copies included
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  double cpu_s = 0;
  double virtual_s = 0;
};

std::uint64_t announcements_in(Bytes packet) {
  if (packet[1] != static_cast<std::uint8_t>(MessageType::update)) return 0;
  std::uint64_t count = 0;
  TlvReader tlvs(packet.subspan(kMessageHeaderSize));
  while (tlvs.next()) count++;
  return count;
}

class Grid {
 public:
  Grid(std::uint32_t rows, std::uint32_t columns)
      : columns_(columns),
        nodes_(std::size_t{rows} * columns),
        pool_([](const NodeId& signer, Bytes message, const Signature& signature) {
          return verify_signature(signer, message, signature);
        }) {
    for (std::uint32_t i = 0; i < nodes_.size(); i++) make_keys(i);
    for (std::uint32_t i = 0; i < nodes_.size(); i++) make_router(i);
  }

  void start() {
    for (std::uint32_t i = 0; i < nodes_.size(); i++) {
      nodes_[i].router->start(now());
      drain(i);
    }
  }

  bool agrees() const {
    for (const Node& node : nodes_) {
      if (node.router->digest() != nodes_[0].router->digest()) return false;
    }
    return true;
  }

  void run_for(Duration duration) {
    const Time until = now_ + duration;
    while (true) {
      const Time packet_at = packets_.empty() ? kNever : packets_.front().at;
      const Time timer_at = deadlines_.empty() ? kNever : deadlines_.top().first;
      if (std::min(packet_at, timer_at) > until) break;
      now_ = std::min(packet_at, timer_at);
      packet_at <= timer_at ? deliver() : call_timer();
    }
    now_ = until;
  }

  Figures take_figures(Duration virtual_time, Duration cpu_time) {
    Figures taken = std::exchange(figures_, {});
    taken.cpu_s = std::chrono::duration<double>(cpu_time).count();
    taken.virtual_s = std::chrono::duration<double>(virtual_time).count();
    return taken;
  }

  std::size_t size() const { return nodes_.size(); }

 private:
  struct Node {
    std::unique_ptr<Identity> identity;
    PublicKey wireguard_key;
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<Router> router;
    Time deadline = kNever;
  };
  struct Packet {
    Time at{};
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    std::vector<std::uint8_t> bytes;
  };
  using Deadline = std::pair<Time, std::uint32_t>;

  Now now() const { return {now_, WallTime(now_.time_since_epoch()) + kEpoch}; }

  void make_keys(std::uint32_t index) {
    std::array<std::uint8_t, kKeySize> secret;
    SeededRandom(index + 1).fill(secret);
    const SecretKey key{Bytes(secret)};
    nodes_[index].identity = std::make_unique<Identity>(key);
    crypto_scalarmult_base(nodes_[index].wireguard_key.bytes.data(), key.bytes().data());
  }

  void make_router(std::uint32_t index) {
    Node& node = nodes_[index];
    RouterConfig config;
    config.id = node.identity->id();
    config.wireguard_key = node.wireguard_key;
    config.name = fmt::format("n{}", index);
    config.hello = kHello;
    config.announced = {
        Prefix(IpAddress::v4({10, static_cast<std::uint8_t>(index >> 8), static_cast<std::uint8_t>(index), 0}), 24)};
    config.events = false;
    config.path_probe_interval = {};
    node.random = std::make_unique<SeededRandom>(index + 1);
    const Identity* identity = node.identity.get();
    node.router = std::make_unique<Router>(
        std::move(config), [identity](Bytes message) { return identity->sign(message); },
        VerifyFunction(verify_signature), *node.random,
        [this](const ReceivedLsa& received) { return pool_(received); });
    const auto link = [&](std::uint32_t other) {
      NeighborConfig neighbor;
      neighbor.wireguard_key = nodes_[other].wireguard_key;
      node.router->add_neighbor(now(), other, neighbor);
    };
    if (index % columns_ > 0) link(index - 1);
    if (index % columns_ + 1 < columns_) link(index + 1);
    if (index >= columns_) link(index - columns_);
    if (index + columns_ < nodes_.size()) link(index + columns_);
  }

  void deliver() {
    const Packet packet = std::move(packets_.front());
    packets_.pop_front();
    figures_.announcements += announcements_in(packet.bytes);
    figures_.packets++;
    figures_.bytes += packet.bytes.size();
    nodes_[packet.to].router->on_packet(now(), packet.from, packet.bytes);
    drain(packet.to);
  }

  void call_timer() {
    const auto [at, index] = deadlines_.top();
    deadlines_.pop();
    if (nodes_[index].deadline != at) return;  // another has taken its place
    nodes_[index].deadline = kNever;
    nodes_[index].router->on_timer(now());
    drain(index);
  }

  void drain(std::uint32_t index) {
    Node& node = nodes_[index];
    RouterOutbox& outbox = node.router->outbox();
    for (RouterOutbox::Packet& packet : outbox.packets) {
      packets_.push_back({now_ + kDelay, index, packet.neighbor, std::move(packet.bytes)});
    }
    outbox.clear();
    const Time deadline = node.router->next_deadline();
    if (deadline == node.deadline) return;
    node.deadline = deadline;
    if (deadline != kNever) deadlines_.push({deadline, index});
  }

  std::uint32_t columns_;
  std::vector<Node> nodes_;
  LsaPool pool_;
  Time now_{1000s};
  std::deque<Packet> packets_;  // all delays are equal, so they arrive as they were sent
  std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
  Figures figures_;
};

// Of the whole process, which has one thread: other programs on the machine disturb it less than the time that passes.
Duration cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

Figures measure_start(Grid& grid) {
  const Duration begin = cpu_time();
  grid.start();
  Duration passed{};
  for (; !grid.agrees(); passed += 10ms) {
    if (passed > kStartLimit) throw std::runtime_error("the databases do not agree");
    grid.run_for(10ms);
  }
  return grid.take_figures(passed, cpu_time() - begin);
}

Figures measure_refreshes(Grid& grid) {
  grid.run_for(60s);  // the last acknowledgements and computations of the start
  grid.take_figures({}, {});
  const Duration begin = cpu_time();
  grid.run_for(kRefreshes);
  const Figures figures = grid.take_figures(kRefreshes, cpu_time() - begin);
  if (!grid.agrees()) throw std::runtime_error("the databases do not agree after the refreshes");
  return figures;
}

nlohmann::ordered_json as_json(const Figures& figures, std::size_t routers) {
  const auto received = static_cast<double>(figures.announcements);
  return {{"announcements_received", figures.announcements},
          {"received_per_pair", received / static_cast<double>(routers * routers)},
          {"packets", figures.packets},
          {"bytes_per_router", figures.bytes / routers},
          {"virtual_s", figures.virtual_s},
          {"cpu_s", figures.cpu_s},
          {"cpu_us_per_announcement", figures.cpu_s * 1e6 / received}};
}

void print_text(const nlohmann::ordered_json& all) {
  fmt::print("{} routers, {} bytes resident for each pair of router and origin\n", all["routers"].get<std::size_t>(),
             all["rss_bytes_per_pair"].get<std::uint64_t>());
  for (const char* stretch : {"start", "refreshes"}) {
    fmt::print("{}\n", stretch);
    for (const auto& [key, value] : all[stretch].items()) fmt::print("  {:<26}{}\n", key, value.dump());
  }
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i++) {
    const std::string word = argv[i];
    unsigned rows = 0, columns = 0;
    char rest = 0;
    if (word == "--json") {
      options.json = true;
    } else if (word == "--quick") {
      options.rows = options.columns = 8;
    } else if (std::sscanf(word.c_str(), "%ux%u%c", &rows, &columns, &rest) == 2 && rows > 0 && columns > 0 &&
               rows <= 128 && columns <= 128) {
      options.rows = rows;
      options.columns = columns;
    } else {
      throw std::invalid_argument(fmt::format(
          "{} is not known\nusage: tests/bench/flood [--quick | ROWSxCOLUMNS, at most 128x128] [--json]", word));
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse(argc, argv);
  const std::uint64_t before = resident_bytes();
  Grid grid(options.rows, options.columns);
  fmt::print(stderr, "{} routers start\n", grid.size());
  const Figures start = measure_start(grid);
  fmt::print(stderr, "their databases agree after {:.2f} s; half an hour of refreshes\n", start.virtual_s);
  const Figures refreshes = measure_refreshes(grid);
  const nlohmann::ordered_json all{{"routers", grid.size()},
                                   {"rss_bytes_per_pair", (resident_bytes() - before) / (grid.size() * grid.size())},
                                   {"start", as_json(start, grid.size())},
                                   {"refreshes", as_json(refreshes, grid.size())}};
  if (options.json) {
    fmt::print("{}\n", all.dump());
  } else {
    print_text(all);
  }
  return EXIT_SUCCESS;
} catch (const std::invalid_argument& error) {
  fmt::print(stderr, "bench_flood: {}\n", error.what());
  return 2;
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_flood: {}\n", error.what());
  return EXIT_FAILURE;
}
