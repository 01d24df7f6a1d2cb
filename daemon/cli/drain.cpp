#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/system.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/control/client.h"
#include "routing/limits.h"

namespace starling::daemon {

namespace {

constexpr Duration kLimit = std::chrono::seconds(10);
constexpr Duration kNoteAfter = std::chrono::seconds(2);
constexpr auto kAskAgainAfter = std::chrono::milliseconds(20);
// Whoever has acknowledged has not always computed: an unruly time makes it wait so long, and it may be late.
constexpr Duration kComputed = routing::kSpfLongDelay + std::chrono::milliseconds(250);

Result<ControlClient> connect(const DaemonChoice& daemon) {
  const Result<std::string> path = choose_control_socket(daemon.control, daemon.interface);
  if (!path) return path.error();
  return ControlClient::connect(*path);
}

std::uint64_t number(const nlohmann::json& answer, const char* key) {
  const auto found = answer.find(key);
  return found != answer.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// The same request again changes nothing and tells how far the news has come; the last answer.
Result<nlohmann::json> tell_and_wait(ControlClient& client, const char* command) {
  const Time began = monotonic_now();
  bool noted = false;
  while (true) {
    Result<nlohmann::json> answer = client.request({{"command", command}});
    if (!answer || !answer->is_object() || number(*answer, "unacknowledged") == 0) return answer;
    const Duration passed = monotonic_now() - began;
    if (passed >= kLimit) return answer;
    if (passed >= kNoteAfter && !noted) print_note("waiting for the neighbours to acknowledge it");
    noted = noted || passed >= kNoteAfter;
    std::this_thread::sleep_for(kAskAgainAfter);
  }
}

std::string summary(const nlohmann::json& answer, bool drain) {
  const std::uint64_t neighbors = number(answer, "neighbors_full");
  return fmt::format("{}; {} neighbour{} in Full know{}\n",
                     drain ? "drained: what has another way takes it" : "not drained: traffic may pass again",
                     neighbors, neighbors == 1 ? "" : "s", neighbors == 1 ? "s" : "");
}

}  // namespace

int run_drain(const DaemonChoice& daemon, bool drain, bool json) {
  Result<ControlClient> client = connect(daemon);
  if (!client) {
    print_error(client.error().message);
    return kExitFailed;
  }
  const Result<nlohmann::json> answer = tell_and_wait(*client, drain ? "drain" : "undrain");
  if (!answer) {
    print_error(answer.error().message);
    return kExitFailed;
  }
  const bool known = number(*answer, "unacknowledged") == 0;
  if (known) std::this_thread::sleep_for(kComputed);
  if (json) {
    print(answer->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
  } else if (known) {
    print(summary(*answer, drain));
  }
  if (!known)
    print_error("not every neighbour has acknowledged it within 10 s; `starling show neighbors` tells who is there");
  return known ? kExitOk : kExitFailed;
}

}  // namespace starling::daemon
