#include "topologies/lab/report.h"

#include "tests/unit/lab/network.h"

using namespace starling::lab;
using starling::lab::test::topology_of;

namespace {

constexpr std::int64_t kMs = 1'000'000;

Topology example() {
  return topology_of(R"({"name": "example", "nodes": {"a": {}, "b": {}}, "links": [{"nodes": ["a", "b"]}],
    "probes": [{"from": "a", "to": "b", "interval_ms": 1}],
    "events": [{"at_ms": 100, "cut": ["a", "b"]}],
    "expect": [{"converged_within_ms": 500}, {"max_outage_ms": 20, "probe": ["a", "b"]}]})");
}

// Converged 400 ms after the start and `after_event_ms` after the event; a probe that lost `lost` packets.
Report report_of(std::optional<std::int64_t> after_event_ms, std::size_t lost) {
  Report report;
  report.last_start_ns = 1000 * kMs;
  report.converged_ns = 1400 * kMs;
  report.events.push_back({0, 2000 * kMs, std::nullopt});
  if (after_event_ms) report.events[0].converged_ns = (2000 + *after_event_ms) * kMs;
  ProbeRecord record;
  for (std::size_t i = 0; i < 100; i++)
    record.packets.push_back({static_cast<std::int64_t>(i) * kMs, i >= 10 && i < 10 + lost ? 0 : std::int64_t{1}});
  record.end_ns = 100 * kMs;
  report.probes.push_back(record);
  return report;
}

}  // namespace

TEST_CASE("expectations that are met hold, and say what was measured") {
  Report report = report_of(450, 20);
  judge(example(), report);
  CHECK(report.expectations[0].held);
  CHECK(report.expectations[0].measured == 450.0);
  CHECK(report.expectations[1].held);
  CHECK(report.expectations[1].measured == 20.0);
  CHECK(report.ok());
}

TEST_CASE("one expectation that is missed makes the whole run not ok") {
  Report slow = report_of(501, 0);
  judge(example(), slow);
  CHECK_FALSE(slow.expectations[0].held);
  CHECK(slow.expectations[1].held);
  CHECK_FALSE(slow.ok());
  Report lossy = report_of(1, 21);
  judge(example(), lossy);
  CHECK_FALSE(lossy.expectations[1].held);
  CHECK_FALSE(lossy.ok());
}

TEST_CASE("a network that never converged on an event has no measured time, and the expectation does not hold") {
  Report report = report_of(std::nullopt, 0);
  judge(example(), report);
  CHECK_FALSE(report.expectations[0].held);
  CHECK(report.expectations[0].measured.is_null());
}

TEST_CASE("a run that never converged holds nothing, not even an outage that was not measured") {
  Report report;
  report.probes.resize(1);
  judge(example(), report);
  CHECK_FALSE(report.expectations[0].held);
  CHECK_FALSE(report.expectations[1].held);
  CHECK_FALSE(report.ok());
  CHECK(to_json(example(), report)["converged_ms"].is_null());
}

TEST_CASE("the JSON object has the form that topologies/README.md promises") {
  Report report = report_of(450, 3);
  judge(example(), report);
  CHECK(to_json(example(), report).dump() ==
        R"({"topology":"example","nodes":2,"links":1,"converged_ms":400.0,)"
        R"("probes":[{"from":"a","to":"b","sent":100,"received":97,"longest_outage_ms":3.0}],)"
        R"("expectations":[{"expect":{"converged_within_ms":500},"held":true,"measured":450.0},)"
        R"({"expect":{"max_outage_ms":20,"probe":["a","b"]},"held":true,"measured":3.0}],"ok":true})");
}

TEST_CASE("the table names what did not hold") {
  Report report = report_of(450, 30);
  judge(example(), report);
  const std::string table = to_table(example(), report, false);
  CHECK(table.find("cut a–b") != std::string::npos);
  CHECK(table.find("a→b out for at most 20 ms") != std::string::npos);
  CHECK(table.find("30.0 ms  NO") != std::string::npos);
  CHECK(table.find("NOT all expectations held") != std::string::npos);
}
