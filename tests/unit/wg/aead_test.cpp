// The libraries that encrypt packets, each against the vectors and against libsodium's plain functions.
#include "wg/protocol/aead.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "doctest/doctest.h"
#include "tests/unit/wg/crypto_vectors.h"
#include "tests/unit/wg/vectors.h"
#include "wg/protocol/crypto.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

// Block and lane borders of ChaCha20 (64 bytes) and of code that does 4, 8 or 16 blocks at once; packets; the largest.
std::vector<std::size_t> interesting_sizes() {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size <= 320; size++) sizes.push_back(size);
  for (const std::size_t border : {512, 1024, 1088, 1420, 2048, 4096, 8920, 16384, 65535}) {
    for (std::size_t size = border - 17; size <= border + 17; size++) sizes.push_back(size);
  }
  return sizes;
}

SecretKey random_key(RandomSource& random) {
  SecretKey key;
  random.fill(key.mutable_bytes());
  return key;
}

// What libsodium makes of it.
std::vector<std::uint8_t> expected(const SecretKey& key, std::uint64_t counter, Bytes plaintext) {
  std::vector<std::uint8_t> sealed(plaintext.size() + kTagSize);
  aead_seal(key, counter, plaintext, {}, sealed);
  return sealed;
}

template <typename Function>
void with_each_library(Function function) {
  for (const std::string_view name : aead_names()) {
    CAPTURE(std::string(name));
    const std::unique_ptr<PacketAead> aead = make_packet_aead(name);
    REQUIRE(aead != nullptr);
    CHECK(aead->name() == name);
    function(*aead);
  }
}

}  // namespace

TEST_CASE("libsodium is always there, the first is what is taken, and no other name is known") {
  const std::vector<std::string_view> names = aead_names();
  CHECK(std::count(names.begin(), names.end(), "libsodium") == 1);
  CHECK(make_packet_aead()->name() == names.front());
  CHECK(make_packet_aead("openssl") == nullptr);
}

TEST_CASE("every library seals and opens the vectors") {
  with_each_library([](PacketAead& aead) {
    int without_additional_data = 0;
    for (const AeadVector& vector : kAeadVectors) {
      if (!vector.additional.empty()) continue;
      without_additional_data++;
      const SecretKey key(from_hex(vector.key));
      const std::vector<std::uint8_t> plaintext = from_hex(vector.plaintext);
      std::vector<std::uint8_t> sealed(plaintext.size() + kTagSize);
      const AeadJob seal{&key, vector.counter, plaintext.data(), sealed.data(), plaintext.size(), false};
      aead.seal({&seal, 1});
      CHECK(to_hex(sealed) == vector.sealed);
      std::vector<std::uint8_t> opened(plaintext.size());
      AeadJob open{&key, vector.counter, sealed.data(), opened.data(), opened.size(), false};
      aead.open({&open, 1});
      CHECK(open.authentic);
      CHECK(opened == plaintext);
    }
    CHECK(without_additional_data >= 5);
  });
}

TEST_CASE("every library gives what libsodium's plain function gives, in place and apart, at any size and address") {
  with_each_library([](PacketAead& aead) {
    SeededRandom random(1);
    for (const std::size_t size : interesting_sizes()) {
      CAPTURE(size);
      const SecretKey key = random_key(random);
      const std::uint64_t counter = random.u64();
      std::vector<std::uint8_t> plaintext(size);
      random.fill(plaintext);
      const std::vector<std::uint8_t> wanted = expected(key, counter, plaintext);

      const std::size_t offset = random.below(16);
      std::vector<std::uint8_t> memory(offset + size + kTagSize + 1, 0xa5);  // the byte behind stays as it is
      const AeadJob apart{&key, counter, plaintext.data(), memory.data() + offset, size, false};
      aead.seal({&apart, 1});
      REQUIRE(std::equal(wanted.begin(), wanted.end(), memory.begin() + static_cast<std::ptrdiff_t>(offset)));
      REQUIRE(memory.back() == 0xa5);

      AeadJob in_place{&key, counter, memory.data() + offset, memory.data() + offset, size, false};
      aead.open({&in_place, 1});
      REQUIRE(in_place.authentic);
      REQUIRE(std::equal(plaintext.begin(), plaintext.end(), memory.begin() + static_cast<std::ptrdiff_t>(offset)));
      const AeadJob again{&key, counter, memory.data() + offset, memory.data() + offset, size, false};
      aead.seal({&again, 1});
      REQUIRE(std::equal(wanted.begin(), wanted.end(), memory.begin() + static_cast<std::ptrdiff_t>(offset)));
    }
  });
}

TEST_CASE("of a batch each message is judged by itself, whatever is wrong with the others") {
  with_each_library([](PacketAead& aead) {
    SeededRandom random(2);
    constexpr std::size_t kCount = 64;
    std::vector<SecretKey> keys;
    std::vector<std::vector<std::uint8_t>> messages;
    std::vector<std::vector<std::uint8_t>> plaintexts;
    std::vector<AeadJob> jobs;
    for (std::size_t i = 0; i < kCount; i++) keys.push_back(random_key(random));
    for (std::size_t i = 0; i < kCount; i++) {
      plaintexts.emplace_back(random.below(1500));
      random.fill(plaintexts.back());
      messages.emplace_back(plaintexts.back().size() + kTagSize);
    }
    for (std::size_t i = 0; i < kCount; i++) {
      jobs.push_back({&keys[i], i, plaintexts[i].data(), messages[i].data(), plaintexts[i].size(), false});
    }
    aead.seal(jobs);
    for (std::size_t i = 0; i < kCount; i++) REQUIRE(messages[i] == expected(keys[i], i, plaintexts[i]));

    for (std::size_t i = 0; i < kCount; i++) {
      jobs[i] = {&keys[i], i, messages[i].data(), messages[i].data(), plaintexts[i].size(), i % 2 == 0};
      if (i % 3 == 0) messages[i][random.below(messages[i].size())] ^= static_cast<std::uint8_t>(1 << random.below(8));
      if (i % 3 == 1 && i % 2 == 0) jobs[i].counter++;
    }
    aead.open(jobs);
    for (std::size_t i = 0; i < kCount; i++) {
      CAPTURE(i);
      const bool wrong = i % 3 == 0 || (i % 3 == 1 && i % 2 == 0);
      CHECK(jobs[i].authentic == !wrong);
      if (!wrong) CHECK(std::equal(plaintexts[i].begin(), plaintexts[i].end(), messages[i].begin()));
    }
  });
}

TEST_CASE("no bit of ciphertext, tag, key or counter can change unnoticed") {
  with_each_library([](PacketAead& aead) {
    SeededRandom random(3);
    SecretKey key = random_key(random);
    std::vector<std::uint8_t> plaintext(100);
    random.fill(plaintext);
    const std::vector<std::uint8_t> sealed = expected(key, 77, plaintext);
    const auto opens = [&](std::vector<std::uint8_t> message, std::uint64_t counter) {
      AeadJob job{&key, counter, message.data(), message.data(), plaintext.size(), true};
      aead.open({&job, 1});
      return job.authentic;
    };
    REQUIRE(opens(sealed, 77));
    for (std::size_t bit = 0; bit < sealed.size() * 8; bit++) {
      std::vector<std::uint8_t> changed = sealed;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      REQUIRE_FALSE(opens(changed, 77));
    }
    for (int bit = 0; bit < 64; bit++) REQUIRE_FALSE(opens(sealed, 77 ^ std::uint64_t{1} << bit));
    for (std::size_t bit = 0; bit < kKeySize * 8; bit++) {
      key.mutable_bytes()[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      REQUIRE_FALSE(opens(sealed, 77));
      key.mutable_bytes()[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
    CHECK(opens(sealed, 77));
  });
}
