#include "topologies/lab/timeline.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "topologies/lab/clock.h"

using namespace starling::lab;
using nlohmann::json;

namespace {

json event(std::int64_t mono_ns, const char* name) {
  return {{"mono_ns", mono_ns}, {"node", "a"}, {"event", name}};
}

}  // namespace

TEST_CASE("the file has every event, in the order in which they happened and not in that of their reading") {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("timeline-" + std::to_string(::getpid()))).string();
  {
    Timeline timeline({Verbosity::nothing, 3, false, path});
    for (const std::int64_t at : {30, 10, 20}) timeline.add(event(at, "spf.run"));
    timeline.flush(true);
    timeline.add(event(5, "neighbor.state"));  // later than the window allows
    timeline.flush();
  }
  std::ifstream file(path);
  std::vector<std::int64_t> order;
  for (std::string line; std::getline(file, line);) order.push_back(json::parse(line)["mono_ns"]);
  CHECK(order == std::vector<std::int64_t>{5, 10, 20, 30});
  std::filesystem::remove(path);
}

TEST_CASE("a file that cannot be written is an error at once") {
  CHECK_THROWS_AS(Timeline({Verbosity::nothing, 3, false, "/nowhere/at/all"}), std::runtime_error);
}

TEST_CASE("the newest change is the newest event that changes a state, up to the moment asked for") {
  Timeline timeline({Verbosity::nothing, 3, false, ""});
  CHECK(timeline.newest_change_ns(INT64_MAX) == 0);
  timeline.add(event(10, "neighbor.state"));
  timeline.add(event(20, "route.install"));
  timeline.add(event(30, "spf.run"));
  timeline.add(event(40, "egress.swap"));
  CHECK(timeline.newest_change_ns(15) == 10);
  CHECK(timeline.newest_change_ns(35) == 20);
  CHECK(timeline.newest_change_ns(INT64_MAX) == 40);
  CHECK(timeline.between(20, 30).size() == 2);
}

TEST_CASE("an event of unknown form is kept, at the moment it was read") {
  Timeline timeline({Verbosity::nothing, 3, false, ""});
  const std::int64_t before_ns = mono_now_ns();
  timeline.add(json{{"mono_ns", "soon"}, {"event", 7}});
  CHECK(timeline.between(before_ns, mono_now_ns()).size() == 1);
}
