// What ChaCha20-Poly1305 costs per packet, for each implementation behind wg/protocol/aead.h, by packet size and by how
// many packets are handed over at once. tests/bench/aead is its command.
//
// The plaintext lies in one buffer and the ciphertext in another, one stretch for each packet of the batch, so both are
// in the cache but for the largest, as packets that have just been received are. Every packet has a counter of its own
// and all have one key, as in one tunnel. A figure is the best of several stretches: what disturbs one only ever makes
// it slower.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/system.h"
#include "wg/protocol/aead.h"
#include "wg/protocol/crypto.h"

namespace {

using namespace starling;
using namespace starling::wg;

constexpr std::size_t kSizes[] = {16, 64, 256, 576, 1420, 8920, 65400};  // bytes of the plaintext
constexpr std::size_t kBatches[] = {1, 16, 64};                          // packets

struct Effort {
  Duration stretch = std::chrono::milliseconds(20);
  int stretches = 5;
};

struct Figure {
  std::string_view implementation;
  std::size_t size = 0;
  std::size_t batch = 0;
  double seal_ns = 0;  // per packet
  double open_ns = 0;
};

SecretKey random_key(RandomSource& random) {
  std::array<std::uint8_t, kKeySize> bytes;
  random.fill(bytes);
  return SecretKey(bytes);
}

// The packets of one batch, and the jobs that seal and open them.
class Batch {
 public:
  Batch(const SecretKey& key, std::size_t size, std::size_t count, RandomSource& random)
      : plain_(size * count), sealed_((size + kTagSize) * count), opened_(size * count) {
    random.fill(plain_);
    for (std::size_t i = 0; i < count; ++i) {
      std::uint8_t* const sealed = sealed_.data() + i * (size + kTagSize);
      seals_.push_back({.key = &key, .counter = i, .in = plain_.data() + i * size, .out = sealed, .size = size});
      opens_.push_back({.key = &key, .counter = i, .in = sealed, .out = opened_.data() + i * size, .size = size});
    }
  }

  void seal(PacketAead& aead) { aead.seal(seals_); }
  void open(PacketAead& aead) { aead.open(opens_); }

  // After a seal and an open: whether everything came out as it went in.
  bool is_right() const {
    return opened_ == plain_ &&
           std::all_of(opens_.begin(), opens_.end(), [](const AeadJob& job) { return job.authentic; });
  }

 private:
  std::vector<std::uint8_t> plain_, sealed_, opened_;
  std::vector<AeadJob> seals_, opens_;
};

// Nanoseconds of one call, in the best stretch.
template <typename Call>
double best_ns(const Effort& effort, Call call) {
  double best = 0;
  for (int i = 0; i < effort.stretches; ++i) {
    const Time begin = monotonic_now();
    Time end = begin;
    std::uint64_t calls = 0;
    for (std::uint64_t chunk = 1; end - begin < effort.stretch; chunk *= 2) {
      for (std::uint64_t n = 0; n < chunk; ++n) call();
      calls += chunk;
      end = monotonic_now();
    }
    const double ns = std::chrono::duration<double, std::nano>(end - begin).count() / static_cast<double>(calls);
    if (i == 0 || ns < best) best = ns;
  }
  return best;
}

Figure measure(std::string_view name, std::size_t size, std::size_t count, const Effort& effort) {
  SeededRandom random(size + count);
  const SecretKey key = random_key(random);
  const auto aead = make_packet_aead(name);
  Batch batch(key, size, count, random);
  Figure figure{.implementation = name, .size = size, .batch = count};
  const auto packets = static_cast<double>(count);
  figure.seal_ns = best_ns(effort, [&] { batch.seal(*aead); }) / packets;
  figure.open_ns = best_ns(effort, [&] { batch.open(*aead); }) / packets;
  if (!batch.is_right())
    throw std::runtime_error(fmt::format("{}: {} × {} bytes do not come out as they went in", name, count, size));
  return figure;
}

std::vector<Figure> measure_all(const Effort& effort) {
  std::vector<Figure> figures;
  for (const std::string_view name : aead_names())
    for (const std::size_t size : kSizes)
      for (const std::size_t count : kBatches) figures.push_back(measure(name, size, count, effort));
  return figures;
}

void print_table(const std::vector<Figure>& figures, const char* operation, double Figure::*ns) {
  fmt::print("{}, ns per packet\n{:>8}", operation, "bytes");
  for (const std::string_view name : aead_names())
    for (const std::size_t count : kBatches)
      fmt::print("  {:>16}", count == 1 ? std::string(name) : fmt::format("{} at once", count));
  for (const std::size_t size : kSizes) {
    fmt::print("\n{:>8}", size);
    for (const Figure& figure : figures)
      if (figure.size == size) fmt::print("  {:>16.0f}", figure.*ns);
  }
  fmt::print("\n\n");
}

void print_json(const std::vector<Figure>& figures) {
  nlohmann::json all = nlohmann::json::array();
  for (const Figure& figure : figures)
    all.push_back({{"implementation", figure.implementation},
                   {"bytes", figure.size},
                   {"batch", figure.batch},
                   {"seal_ns", figure.seal_ns},
                   {"open_ns", figure.open_ns}});
  fmt::print("{}\n", all.dump(1));
}

constexpr const char* kHelp = R"(usage: tests/bench/aead [--quick] [--json]

Prints what sealing and opening one packet costs, in ns, on one core: each implementation of ChaCha20-Poly1305 that this build has
and this processor runs, by size of the plaintext in bytes, with 1, 16 and 64 packets handed over at once. Best of 5 stretches
of 20 ms. docs/performance.md says more.

  --quick   one stretch of 1 ms: to see whether it works, not how fast
  --json    [{"implementation": NAME, "bytes": N, "batch": N, "seal_ns": X, "open_ns": X}, ...]

exit status: 0 done, 1 an implementation is wrong, 2 the command line is wrong
)";

}  // namespace

int main(int argc, char** argv) try {
  Effort effort;
  bool json = false;
  for (const std::string_view word : std::span(argv + 1, argv + argc)) {
    if (word == "--quick") {
      effort = {.stretch = std::chrono::milliseconds(1), .stretches = 1};
    } else if (word == "--json") {
      json = true;
    } else {
      const bool asked = word == "--help" || word == "-h";
      fmt::print(asked ? stdout : stderr, "{}", kHelp);
      return asked ? EXIT_SUCCESS : 2;
    }
  }
  initialize_crypto();
  const std::vector<Figure> figures = measure_all(effort);
  if (json) {
    print_json(figures);
  } else {
    print_table(figures, "seal", &Figure::seal_ns);
    print_table(figures, "open", &Figure::open_ns);
  }
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  fmt::print(stderr, "tests/bench/aead: {}\n", error.what());
  return EXIT_FAILURE;
}
