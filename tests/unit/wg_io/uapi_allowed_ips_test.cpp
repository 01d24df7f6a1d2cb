#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "wg/io/allowed_ips.h"

using namespace starling;
using namespace starling::wg;

namespace {

Prefix prefix(const char* text) {
  return *Prefix::parse(text);
}

// The same rules, as slow as they come: one list of all, in the order of adding.
class NaiveAllowedIps {
 public:
  void add(const Prefix& added, PeerId peer) {
    std::erase_if(all_, [&](const auto& entry) { return entry.first == added; });
    all_.emplace_back(added, peer);
  }
  bool remove(const Prefix& removed, PeerId peer) {
    return std::erase_if(all_, [&](const auto& entry) { return entry == std::pair(removed, peer); }) > 0;
  }
  bool remove_all(PeerId peer) {
    return std::erase_if(all_, [&](const auto& entry) { return entry.second == peer; }) > 0;
  }
  std::vector<Prefix> of(PeerId peer) const {
    std::vector<Prefix> out;
    for (const auto& [owned, owner] : all_)
      if (owner == peer) out.push_back(owned);
    return out;
  }
  std::size_t size() const { return all_.size(); }

 private:
  std::vector<std::pair<Prefix, PeerId>> all_;
};

}  // namespace

TEST_CASE("an allowed IP moves to the peer that named it last") {
  AllowedIps allowed_ips;
  allowed_ips.add(prefix("10.0.0.0/8"), 1);
  allowed_ips.add(prefix("10.1.0.0/16"), 1);
  allowed_ips.add(prefix("10.0.0.0/8"), 2);
  CHECK(allowed_ips.of(1) == std::vector{prefix("10.1.0.0/16")});
  CHECK(allowed_ips.of(2) == std::vector{prefix("10.0.0.0/8")});
  CHECK_FALSE(allowed_ips.remove(prefix("10.0.0.0/8"), 1));
  CHECK(allowed_ips.remove(prefix("10.0.0.0/8"), 2));
  CHECK(allowed_ips.of(2).empty());
  CHECK_FALSE(allowed_ips.remove_all(2));
}

TEST_CASE("the tables name each prefix once, with its owner") {
  AllowedIps allowed_ips;
  allowed_ips.add(prefix("10.0.0.0/8"), 7);
  allowed_ips.add(prefix("fd00::/8"), 3);
  allowed_ips.add(prefix("fd00::/8"), 7);
  const EgressDescription egress = allowed_ips.egress();
  CHECK(egress.groups == std::vector<NextHopGroup>{{{7}, kNoPeer}});
  CHECK(egress.entries == std::vector<EgressEntry>{{prefix("10.0.0.0/8"), 0}, {prefix("fd00::/8"), 0}});
  const IngressDescription ingress = allowed_ips.ingress();
  CHECK(ingress.sets == std::vector<std::vector<PeerId>>{{7}});
  CHECK(ingress.entries == std::vector<IngressEntry>{{prefix("10.0.0.0/8"), 0}, {prefix("fd00::/8"), 0}});
}

TEST_CASE("many changes leave what a naive twin has") {
  std::mt19937 random(3);
  AllowedIps allowed_ips;
  NaiveAllowedIps naive;
  for (int i = 0; i < 20000; i++) {
    const auto peer = static_cast<PeerId>(random() % 5);
    const IpAddress address = IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(random() % 64)});
    const Prefix changed(address, 30 + static_cast<int>(random() % 3));
    switch (random() % 8) {
      case 0: CHECK(allowed_ips.remove(changed, peer) == naive.remove(changed, peer)); break;
      case 1:
        if (random() % 16 == 0) CHECK(allowed_ips.remove_all(peer) == naive.remove_all(peer));
        break;
      default: allowed_ips.add(changed, peer); naive.add(changed, peer);
    }
    REQUIRE(allowed_ips.size() == naive.size());
    if (i % 100 == 0) {
      for (PeerId owner = 0; owner < 5; owner++) CHECK(allowed_ips.of(owner) == naive.of(owner));
    }
  }
}
