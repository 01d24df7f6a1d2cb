#include "daemon/control/event_log.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/unit/daemon/temporary_directory.h"

using namespace starling;
using namespace starling::daemon;
using namespace std::chrono_literals;
using nlohmann::ordered_json;

namespace {

const Now kNow{Time(5s), WallTime(1769860800s + 123456us)};

struct Recorder : EventWatcher {
  void on_event(const EventLine& line) override { lines.push_back(*line); }
  std::vector<std::string> lines;
};

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

LogConfig log_to(const std::string& file, LogConfig::Format format, EventLevel level = EventLevel::debug) {
  return {.level = level, .format = format, .file = file};
}

}  // namespace

TEST_CASE("An event is one line of JSON with its keys in the documented order") {
  EventLog log("a");
  log.publish(EventLevel::info, "tunnel.session", {{"neighbor", "b"}, {"initiator", true}}, cause_neighbor("b"), kNow);
  REQUIRE(log.remembered().size() == 1);
  CHECK(*log.remembered().front() ==
        R"({"time":"2026-01-31T12:00:00.123456Z","mono_ns":5000000000,"node":"a","event":"tunnel.session",)"
        R"("level":"info","neighbor":"b","initiator":true,"cause":{"kind":"neighbor","neighbor":"b"}})"
        "\n");
}

TEST_CASE("Causes are as documented, and an event without one says so") {
  EventLog log("a");
  log.publish(EventLevel::info, "daemon.ready", {}, kNow);
  const auto event = ordered_json::parse(*log.remembered().front());
  CHECK(event["cause"].dump() == R"({"kind":"none"})");
  CHECK(cause_timer().dump() == R"({"kind":"timer"})");
  CHECK(cause_announcement("b", 1, ~std::uint64_t{0}).dump() ==
        R"({"kind":"announcement","origin":"b","fragment":1,"sequence":18446744073709551615})");
}

TEST_CASE("Bytes that are no UTF-8 do not break the line") {
  EventLog log("a");
  log.publish(EventLevel::info, "x", {{"reason", "\xff\xfe\n"}}, kNow);
  const std::string& line = *log.remembered().front();
  CHECK(ordered_json::accept(line));
  CHECK(line.find('\n') == line.size() - 1);
}

TEST_CASE("Only the newest events are remembered") {
  EventLog log("a");
  for (std::size_t i = 0; i < kRememberedEvents + 10; ++i) log.publish(EventLevel::debug, "x", {{"i", i}}, kNow);
  CHECK(log.remembered().size() == kRememberedEvents);
  CHECK(ordered_json::parse(*log.remembered().front())["i"] == 10);
  CHECK(ordered_json::parse(*log.remembered().back())["i"] == kRememberedEvents + 9);
}

TEST_CASE("A watcher sees every event of any level between attach and detach") {
  EventLog log("a");
  Recorder recorder;
  log.publish(EventLevel::info, "before", {}, kNow);
  log.attach(recorder);
  log.publish(EventLevel::debug, "during", {}, kNow);
  log.detach(recorder);
  log.publish(EventLevel::info, "after", {}, kNow);
  REQUIRE(recorder.lines.size() == 1);
  CHECK(ordered_json::parse(recorder.lines[0])["event"] == "during");
}

TEST_CASE("A log file takes the events from its level upwards, as JSON or as text") {
  TemporaryDirectory directory;
  for (const auto format : {LogConfig::Format::json, LogConfig::Format::text}) {
    const std::string file = directory / (format == LogConfig::Format::json ? "json" : "text");
    {
      auto log = EventLog::open("a", log_to(file, format, EventLevel::warning));
      REQUIRE(log.ok());
      (*log)->publish(EventLevel::info, "daemon.ready", {}, kNow);
      (*log)->publish(EventLevel::warning, "watch.lost", {{"count", 1}}, kNow);
    }
    const std::string text = contents(file);
    if (format == LogConfig::Format::json) {
      CHECK(ordered_json::parse(text)["event"] == "watch.lost");
    } else {
      CHECK(text == "12:00:00.123456  watch.lost           1 event was lost, this reader is too slow\n");
    }
  }
}

TEST_CASE("A log file that is there is appended to") {
  TemporaryDirectory directory;
  const std::string file = directory / "log";
  std::ofstream(file) << "old\n";
  auto log = EventLog::open("a", log_to(file, LogConfig::Format::text));
  REQUIRE(log.ok());
  (*log)->publish(EventLevel::info, "daemon.ready", {}, kNow);
  CHECK(contents(file).starts_with("old\n12:00"));
}

TEST_CASE("A log file that cannot be opened is an error that names it") {
  TemporaryDirectory directory;
  const auto log = EventLog::open("a", log_to(directory / "missing/log", LogConfig::Format::text));
  REQUIRE_FALSE(log.ok());
  CHECK(log.error().message.find("missing/log: No such file") != std::string::npos);
}

TEST_CASE("A log whose reader stalls loses lines instead of waiting, and is told how many") {
  TemporaryDirectory directory;
  const std::string pipe = directory / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  auto log = EventLog::open("a", log_to(pipe, LogConfig::Format::json));
  REQUIRE(log.ok());
  const std::string filler(1000, 'x');
  constexpr int kEvents = 500;  // about half a megabyte; a pipe holds 64 KiB
  for (int i = 0; i < kEvents; ++i) (*log)->publish(EventLevel::info, "x", {{"filler", filler}}, kNow);

  const auto drain = [&] {
    std::string all;
    char chunk[65536];
    for (ssize_t size; (size = read(reader, chunk, sizeof chunk)) > 0;)
      all.append(chunk, static_cast<std::size_t>(size));
    return all;
  };
  const std::string first = drain();
  const auto written = std::count(first.begin(), first.end(), '\n');
  CHECK(written > 10);
  CHECK(written < kEvents);
  (*log)->publish(EventLevel::info, "last", {}, kNow);
  std::istringstream rest(drain());
  std::string lost;
  std::string last;
  REQUIRE(std::getline(rest, lost));
  REQUIRE(std::getline(rest, last));
  CHECK(ordered_json::parse(lost)["event"] == "log.lost");
  CHECK(ordered_json::parse(lost)["count"] == kEvents - written);
  CHECK(ordered_json::parse(last)["event"] == "last");
  close(reader);
}
