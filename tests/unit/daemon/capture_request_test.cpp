#include "daemon/control/capture_request.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace starling;
using namespace starling::daemon;
using nlohmann::json;

TEST_CASE("A capture request without keys asks for everything that is carried") {
  const Result<wg::CaptureOptions> options = capture_options({{"command", "capture"}});
  REQUIRE(options.ok());
  CHECK_FALSE(options->control_only);
  CHECK_FALSE(options->dropped);
  CHECK_FALSE(options->peers);
  CHECK(options->snap_length == 0);
  CHECK(options->packets_max == 0);
  CHECK(options->greeting.empty());
}

TEST_CASE("Each key of a capture request does what it says") {
  const Result<wg::CaptureOptions> options = capture_options({{"command", "capture"},
                                                              {"control_only", true},
                                                              {"dropped", true},
                                                              {"peers", true},
                                                              {"snap_length", 96},
                                                              {"packets", 4294967295}});
  REQUIRE(options.ok());
  CHECK(options->control_only);
  CHECK(options->dropped);
  CHECK(options->peers);
  CHECK(options->snap_length == 96);
  CHECK(options->packets_max == 4294967295);
}

TEST_CASE("A capture request that is wrong says what would be right") {
  const auto error_of = [](const json& wrong) {
    json request{{"command", "capture"}};
    request.update(wrong);
    const Result<wg::CaptureOptions> options = capture_options(request);
    return options.ok() ? std::string() : options.error().message;
  };
  for (const json& value : {json(1), json("true"), json(nullptr), json::array()}) {
    CHECK(error_of({{"dropped", value}}) == "`dropped` is true or false");
  }
  for (const json& value : {json(-1), json(1.5), json("1"), json(4294967296), json(nullptr), json(true)}) {
    CHECK(error_of({{"packets", value}}).find("`packets` is a number from 0") == 0);
  }
  CHECK(error_of({{"control-only", true}}).find("control_only") != std::string::npos);
}
