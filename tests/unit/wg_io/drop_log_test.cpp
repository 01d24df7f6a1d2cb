#include "wg/io/drop_log.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::wg;

namespace {

Time at_ms(int milliseconds) {
  return Time{} + std::chrono::hours(1) + std::chrono::milliseconds(milliseconds);
}

std::vector<DropReport> take(DropLog& log, int milliseconds) {
  std::vector<DropReport> reports;
  log.take_due(at_ms(milliseconds), reports);
  return reports;
}

const IpAddress kSource = *IpAddress::parse("192.0.2.7");

}  // namespace

TEST_CASE("the first drop of a kind is reported at once, with its source") {
  DropLog log;
  log.add_peer(3);
  CHECK(log.next_deadline() == kNever);
  log.record(at_ms(0), {3, DropReason::replayed, 1, kSource, 0});
  CHECK(log.next_deadline() == at_ms(0));
  const auto reports = take(log, 0);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].peer == 3);
  CHECK(reports[0].reason == DropReason::replayed);
  CHECK(reports[0].count == 1);
  CHECK(reports[0].address == kSource);
  CHECK(log.next_deadline() == kNever);
}

TEST_CASE("further drops of the same kind are reported together, a second after the last report") {
  DropLog log;
  log.record(at_ms(0), {kNoPeer, DropReason::malformed, 1, std::nullopt, 0});
  CHECK(take(log, 0).size() == 1);
  for (int i = 1; i <= 500; ++i) log.record(at_ms(i), {kNoPeer, DropReason::malformed, 1, std::nullopt, 0});
  CHECK(log.next_deadline() == at_ms(1000));
  CHECK(take(log, 999).empty());
  const auto reports = take(log, 1000);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].count == 500);
  CHECK(log.counters(kNoPeer)[static_cast<std::size_t>(DropReason::malformed)] == 501);
}

TEST_CASE("peers and reasons are limited apart from each other") {
  DropLog log;
  log.add_peer(0);
  log.add_peer(1);
  log.record(at_ms(0), {0, DropReason::replayed, 1, std::nullopt, 0});
  log.record(at_ms(0), {1, DropReason::replayed, 1, std::nullopt, 0});
  log.record(at_ms(0), {1, DropReason::decrypt_failed, 1, std::nullopt, 0});
  CHECK(take(log, 0).size() == 3);
  log.record(at_ms(10), {0, DropReason::replayed, 1, std::nullopt, 0});
  log.record(at_ms(10), {0, DropReason::send_failed, 1, std::nullopt, 0});
  CHECK(take(log, 10).size() == 1);
  CHECK(log.next_deadline() == at_ms(1000));
  CHECK(take(log, 1000).size() == 1);
}

TEST_CASE("a removed peer is not reported any more, and what still comes of it counts without a peer") {
  DropLog log;
  log.add_peer(0);
  log.record(at_ms(0), {0, DropReason::replayed, 1, std::nullopt, 0});
  CHECK(take(log, 0).size() == 1);
  log.record(at_ms(1), {0, DropReason::replayed, 1, std::nullopt, 0});
  log.remove_peer(0);
  CHECK(take(log, 5000).empty());
  CHECK(log.next_deadline() == kNever);
  log.record(at_ms(6000), {0, DropReason::replayed, 1, std::nullopt, 0});
  const auto reports = take(log, 6000);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].peer == kNoPeer);
  CHECK(log.counters(0)[static_cast<std::size_t>(DropReason::replayed)] == 0);
}

TEST_CASE("silent drops are counted and never reported") {
  DropLog log;
  log.count_silently(kNoPeer, DropReason::egress_no_route);
  CHECK(log.next_deadline() == kNever);
  CHECK(log.counters(kNoPeer)[static_cast<std::size_t>(DropReason::egress_no_route)] == 1);
}
