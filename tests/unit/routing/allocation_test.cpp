// What routing takes from the heap: nothing for computations that have run before or while nothing happens, and little
// that stays. A program of its own, because it counts every allocation.
#include <doctest/doctest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "base/random.h"
#include "graph_builder.h"
#include "routing/alternates.h"
#include "routing/identity.h"
#include "routing/ingress.h"
#include "routing/messages.h"
#include "routing/router.h"
#include "routing/routes.h"
#include "routing/spf.h"

namespace {

std::size_t allocations = 0;
std::size_t bytes_in_use = 0;

void* take(std::size_t size) {
  void* const place = std::malloc(size == 0 ? 1 : size);
  if (place == nullptr) throw std::bad_alloc();
  allocations++;
  bytes_in_use += malloc_usable_size(place);
  return place;
}

void give_back(void* place) {
  if (place == nullptr) return;
  bytes_in_use -= malloc_usable_size(place);
  std::free(place);
}

}  // namespace

void* operator new(std::size_t size) {
  return take(size);
}
void* operator new[](std::size_t size) {
  return take(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return take(size);
}
void operator delete(void* place) noexcept {
  give_back(place);
}
void operator delete[](void* place) noexcept {
  give_back(place);
}
void operator delete(void* place, std::size_t) noexcept {
  give_back(place);
}
void operator delete[](void* place, std::size_t) noexcept {
  give_back(place);
}

using namespace starling;
using namespace starling::routing;

namespace {

constexpr std::uint32_t kSide = 50;

// Like a router's in a grid, in the middle of it.
struct Tables {
  const std::vector<LsaHandle>& announcements;
  ImportPolicy accept;
  Graph graph;
  PrefixTable prefixes{accept};
  ShortestPaths paths;
  Alternates alternates;
  RouteTable routes{prefixes, graph, paths, alternates};
  IngressTable ingress{prefixes, graph};

  explicit Tables(const std::vector<LsaHandle>& lsas) : announcements(lsas), graph(root_id()) {
    for (const LsaHandle& lsa : lsas) {
      if (lsa->key().origin == root_id()) continue;
      const auto replaced = graph.replace(nullptr, lsa.get());
      for (const Prefix& prefix : lsa->content().prefixes) prefixes.add(replaced.node, prefix);
    }
    std::vector<LocalLink> links;
    for (const std::uint32_t other : {root() - 1, root() + 1, root() - kSide, root() + kSide}) {
      links.push_back({numbered_node(other), handle_of(other), {}});
    }
    graph.set_local_links(links);
    std::vector<NodeIndex> moved;
    paths.run(graph, moved);
    alternates.run(graph);
    routes.update(moved, {}, true);
    ingress.update(Time{});
    graph.settle();
    prefixes.settle();
  }

  static std::uint32_t root() { return kSide * (kSide / 2) + kSide / 2; }
  static NodeId root_id() { return numbered_node(root()); }
};

std::vector<LsaHandle> announce_grid(std::uint32_t without_a = 0, std::uint32_t without_b = 0) {
  std::vector<LsaHandle> lsas;
  for (std::uint32_t node = 0; node < kSide * kSide; node++) {
    LsaContent content;
    content.attributes = NodeAttributes{"n", {}, true, false};
    const std::uint32_t row = node / kSide, column = node % kSide;
    const auto link = [&](bool exists, std::uint32_t other) {
      const bool cut = (node == without_a && other == without_b) || (node == without_b && other == without_a);
      if (exists && !cut) content.links.push_back({numbered_node(other), 10, 0, 0, 0, false});
    };
    link(column > 0, node - 1);
    link(column + 1 < kSide, node + 1);
    link(row > 0, node - kSide);
    link(row + 1 < kSide, node + kSide);
    content.prefixes = {
        Prefix(IpAddress::v4({10, static_cast<std::uint8_t>(node >> 8), static_cast<std::uint8_t>(node), 0}), 24)};
    lsas.push_back(make_lsa({numbered_node(node), 0}, 1, 3600, content, [](Bytes) { return Signature{}; }));
  }
  return lsas;
}

}  // namespace

TEST_CASE("a router's tables take at most 240 bytes for each origin with one prefix") {
  const auto announcements = announce_grid();
  { const Tables warm(announcements); }  // what is shared by all routers of a thread is there now
  const std::size_t before = bytes_in_use;
  const Tables tables(announcements);
  const std::size_t each = (bytes_in_use - before) / announcements.size();
  MESSAGE("bytes for each origin: ", each);
  CHECK(tables.routes.routes().size() == announcements.size() - 1);
  CHECK(each <= 240);
}

TEST_CASE("once it has run, a computation of paths and alternates allocates nothing") {
  const auto announcements = announce_grid();
  Tables tables(announcements);
  std::vector<NodeIndex> changed;
  changed.reserve(tables.graph.size() * 8);
  const std::size_t before = allocations;
  for (int i = 0; i < 3; i++) {
    changed.clear();
    tables.paths.run(tables.graph, changed);
    tables.alternates.clear();
    tables.alternates.run(tables.graph);
  }
  CHECK(allocations == before);

  const std::uint32_t a = 3 * kSide + 3, b = a + 1;
  const auto cut = announce_grid(a, b);
  const auto swap = [&](const std::vector<LsaHandle>& from, const std::vector<LsaHandle>& to) {
    tables.graph.replace(from[a].get(), to[a].get());
    REQUIRE(tables.graph.changes().size() == 2);
    changed.clear();
    tables.paths.update(tables.graph, changed);
    tables.alternates.update(tables.graph, changed);
    tables.graph.settle();
  };
  swap(announcements, cut);
  swap(cut, announcements);
  const std::size_t warm = allocations;
  swap(announcements, cut);
  swap(cut, announcements);
  CHECK(allocations == warm);
}

TEST_CASE("neighbours at rest exchange Hellos without taking anything from the heap") {
  struct End {
    explicit End(std::uint8_t number)
        : identity(SecretKey{Bytes(std::array<std::uint8_t, 32>{number})}),
          random(number),
          router(
              config(identity, number), [this](Bytes message) { return identity.sign(message); }, verify_signature,
              random) {}
    static RouterConfig config(const Identity& identity, std::uint8_t number) {
      RouterConfig config;
      config.id = identity.id();
      config.name = std::string(1, static_cast<char>('a' + number));
      return config;
    }
    Identity identity;
    SeededRandom random;
    Router router;
  };
  constexpr NeighborId kOther = 0;
  const Duration delay = std::chrono::milliseconds(1);
  Now now{Time(std::chrono::seconds(1000)), WallTime(std::chrono::seconds(1'700'000'000))};
  End a(1), b(2);
  std::size_t hellos = 0, others = 0;
  const auto run_until = [&](Time end) {
    while (now.monotonic < end) {
      for (const auto& [from, to] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
        for (const RouterOutbox::Packet& packet : from->router.outbox().packets) {
          (packet.bytes.size() == kHelloPacketSize ? hellos : others)++;
          to->router.on_packet(now + delay, kOther, packet.bytes);
        }
        from->router.outbox().clear();
      }
      now.monotonic = std::max(now.monotonic + delay, std::min(a.router.next_deadline(), b.router.next_deadline()));
      a.router.on_timer(now);
      b.router.on_timer(now);
    }
  };
  for (End* end : {&a, &b}) {
    end->router.add_neighbor(now, kOther, {});
    end->router.start(now);
  }
  run_until(now.monotonic + std::chrono::seconds(60));
  REQUIRE(a.router.neighbors().at(0).state == NeighborState::full);
  hellos = others = 0;
  const std::size_t before = allocations;
  run_until(now.monotonic + std::chrono::seconds(10));
  CHECK(hellos > 150);
  CHECK(others <= 6);  // now and then the path is tried with packets of full size
  CHECK(allocations - before <= 2 * others);
}
