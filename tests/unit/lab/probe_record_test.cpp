#include "topologies/lab/probe_record.h"

#include <doctest/doctest.h>

#include <string>

using namespace starling::lab;

namespace {

constexpr std::int64_t kMs = 1'000'000;

// One packet a millisecond, from 10 ms on: '1' arrived, '0' did not.
ProbeRecord record_of(const std::string& arrivals) {
  ProbeRecord record;
  for (std::size_t i = 0; i < arrivals.size(); i++) {
    const std::int64_t sent_ns = (10 + static_cast<std::int64_t>(i)) * kMs;
    record.packets.push_back({sent_ns, arrivals[i] == '1' ? sent_ns + 7 * kMs : 0});
    record.end_ns = sent_ns + kMs;
  }
  return record;
}

}  // namespace

TEST_CASE("a probe whose packets all arrived has no outage") {
  const ProbeRecord record = record_of("11111");
  CHECK(record.outages().empty());
  CHECK(record.longest_outage_ns() == 0);
  CHECK(record.received() == 5);
}

TEST_CASE("an outage lasts from the first lost packet's sending to that of the next that arrived") {
  const ProbeRecord record = record_of("11000111");
  const auto outages = record.outages();
  REQUIRE(outages.size() == 1);
  CHECK(outages[0].first_lost_ns == 12 * kMs);
  CHECK(outages[0].end_ns == 15 * kMs);
  CHECK(outages[0].last_good_ns == 11 * kMs);
  CHECK(outages[0].lost == 3);
  CHECK(outages[0].recovered);
  CHECK(record.longest_outage_ns() == 3 * kMs);
}

TEST_CASE("one lost packet is an outage of one interval") {
  CHECK(record_of("11011").longest_outage_ns() == kMs);
}

TEST_CASE("the longest of several outages counts") {
  const ProbeRecord record = record_of("1011000011001");
  CHECK(record.outages().size() == 3);
  CHECK(record.longest_outage_ns() == 4 * kMs);
}

TEST_CASE("an outage that never ends counts to the end") {
  const ProbeRecord record = record_of("11000");
  REQUIRE(record.outages().size() == 1);
  CHECK_FALSE(record.outages()[0].recovered);
  CHECK(record.longest_outage_ns() == 3 * kMs);
}

TEST_CASE("a probe of which nothing arrived was out all the time") {
  const ProbeRecord record = record_of("0000");
  CHECK(record.received() == 0);
  CHECK_FALSE(record.outages()[0].last_good_ns);
  CHECK(record.longest_outage_ns() == 4 * kMs);
}

TEST_CASE("a sender that was late makes no outage of its own") {
  ProbeRecord record = record_of("111");
  record.packets[2].sent_ns += 500 * kMs;
  CHECK(record.longest_outage_ns() == 0);
}
