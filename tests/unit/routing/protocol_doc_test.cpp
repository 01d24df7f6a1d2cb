// docs/protocol.md must be true: its state table and its constants are compared with the code.
#include <doctest/doctest.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "routing/limits.h"
#include "routing/neighbor_table.h"
#include "routing/reject_reason.h"

using namespace starling;
using namespace starling::routing;

namespace {

std::string contents(const std::string& path) {
  std::ifstream file(STARLING_SOURCE_DIR "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string document() {
  return contents("docs/protocol.md");
}

// The cells of the table row that begins with this cell; nothing if there is no such row.
std::vector<std::string> row(const std::string& first) {
  std::istringstream lines(document());
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("| " + first + " |", 0) != 0) continue;
    std::vector<std::string> cells;
    std::istringstream parts(line);
    for (std::string cell; std::getline(parts, cell, '|');) {
      const auto begin = cell.find_first_not_of(' ');
      if (begin != std::string::npos) cells.push_back(cell.substr(begin, cell.find_last_not_of(' ') - begin + 1));
    }
    return cells;
  }
  return {};
}

std::string value_of(const char* constant) {
  const auto cells = row("`" + std::string(constant) + "`");
  return cells.size() >= 2 ? cells[1] : "";
}

// Found by overload: durations, and numbers of any type.
std::string print(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

std::string print(std::uint64_t number) {
  return std::to_string(number);
}

}  // namespace

TEST_CASE("the neighbour table in docs/protocol.md is the one in the code") {
  const auto header = row("state");
  REQUIRE(header.size() == kNeighborEventCount + 1);
  for (std::size_t event = 0; event < kNeighborEventCount; event++) {
    CHECK(header[event + 1] == to_string(static_cast<NeighborEvent>(event)));
  }
  for (std::size_t state = 0; state < kNeighborStateCount; state++) {
    const auto cells = row(to_string(static_cast<NeighborState>(state)));
    REQUIRE(cells.size() == kNeighborEventCount + 1);
    for (std::size_t event = 0; event < kNeighborEventCount; event++) {
      const auto [to, action] =
          neighbor_transition(static_cast<NeighborState>(state), static_cast<NeighborEvent>(event));
      std::string expected = to_string(to);
      if (action != NeighborAction::none) expected += std::string(": ") + to_string(action);
      CHECK(cells[event + 1] == expected);
    }
  }
}

#define CHECK_CONSTANT(name) CHECK_MESSAGE(value_of(#name) == print(name), #name)

TEST_CASE("the constants in docs/protocol.md are the ones in the code") {
  CHECK_CONSTANT(kProtocolVersion);
  CHECK_CONSTANT(kMaxPacketSize);
  CHECK_CONSTANT(kMaxLsaBodySize);
  CHECK_CONSTANT(kMaxFragments);
  CHECK_CONSTANT(kMaxLsas);
  CHECK_CONSTANT(kMaxNameSize);
  CHECK_CONSTANT(kMaxLifetimeS);
  CHECK_CONSTANT(kMaxSequence);
  CHECK_CONSTANT(kMaxInFlight);
  CHECK_CONSTANT(kMaxWanted);
  CHECK_CONSTANT(kMaxRequestsInFlight);
  CHECK_CONSTANT(kHeadersWindow);
  CHECK_CONSTANT(kMaxRequestTries);
  CHECK_CONSTANT(kMaxTransmissions);
  CHECK_CONSTANT(kLifetimeS);
  CHECK_CONSTANT(kRefresh);
  CHECK_CONSTANT(kRefreshJitter);
  CHECK_CONSTANT(kMinRemaining);
  CHECK_CONSTANT(kFlapBurst);
  CHECK_CONSTANT(kFlapPerToken);
  CHECK_CONSTANT(kGatherMin);
  CHECK_CONSTANT(kGatherMax);
  CHECK_CONSTANT(kGatherRest);
  CHECK_CONSTANT(kDuplicateSigns);
  CHECK_CONSTANT(kDuplicateWindow);
  CHECK_CONSTANT(kDuplicateReport);
  CHECK_CONSTANT(kJumpDelayMin);
  CHECK_CONSTANT(kJumpDelayMax);
  CHECK_CONSTANT(kMinHelloInterval);
  CHECK_CONSTANT(kMaxHelloInterval);
  CHECK_CONSTANT(kMinMultiplier);
  CHECK_CONSTANT(kMaxMultiplier);
  CHECK_CONSTANT(kSilentHelloInterval);
  CHECK_CONSTANT(kFastAfterHeard);
  CHECK_CONSTANT(kHelloSlackPercent);
  CHECK_CONSTANT(kProbes);
  CHECK_CONSTANT(kSuspectProbes);
  CHECK_CONSTANT(kProbeBurst);
  CHECK_CONSTANT(kProlongedDoubt);
  CHECK_CONSTANT(kTrafficVouches);
  CHECK_CONSTANT(kHintInterval);
  CHECK_CONSTANT(kMaxLateness);
  CHECK_CONSTANT(kLatenessHalfLife);
  CHECK_CONSTANT(kProbeAnswerBurst);
  CHECK_CONSTANT(kProbeAnswerPerToken);
  CHECK_CONSTANT(kMaxRoundTrip);
  CHECK_CONSTANT(kMetricPerHop);
  CHECK_CONSTANT(kUnmeasuredMetric);
  CHECK_CONSTANT(kLossForgiven);
  CHECK_CONSTANT(kLossDoubling);
  CHECK_CONSTANT(kMetricStepPart);
  CHECK_CONSTANT(kMetricStepMin);
  CHECK_CONSTANT(kMetricSettle);
  CHECK_CONSTANT(kMetricHold);
  CHECK_CONSTANT(kMetricHoldMax);
  CHECK_CONSTANT(kMetricCalmHolds);
  CHECK_CONSTANT(kMaxProbePacketSize);
  CHECK_CONSTANT(kMinProbeSize);
  CHECK_CONSTANT(kProbeSizeStep);
  CHECK_CONSTANT(kProbesRemembered);
  CHECK_CONSTANT(kPathProbeInterval);
  CHECK_CONSTANT(kPathProbeJitterPercent);
  CHECK_CONSTANT(kProbeAnswerTime);
  CHECK_CONSTANT(kProbeAnswerTimeUnknown);
  CHECK_CONSTANT(kDoubtInterval);
  CHECK_CONSTANT(kDoubtLost);
  CHECK_CONSTANT(kSearchAfterLost);
  CHECK_CONSTANT(kTriesPerProbeSize);
  CHECK_CONSTANT(kGreyLostInARow);
  CHECK_CONSTANT(kGreyLost);
  CHECK_CONSTANT(kGreyLossPermille);
  CHECK_CONSTANT(kGreyHellos);
  CHECK_CONSTANT(kOutageHellos);
  CHECK_CONSTANT(kHealProbes);
  CHECK_CONSTANT(kHealLost);
  CHECK_CONSTANT(kHealLossPermille);
  CHECK_CONSTANT(kGreyHeal);
  CHECK_CONSTANT(kGreyHealMax);
  CHECK_CONSTANT(kRelapseTimes);
  CHECK_CONSTANT(kRetransmitUnknown);
  CHECK_CONSTANT(kRetransmitMin);
  CHECK_CONSTANT(kRetransmitMax);
  CHECK_CONSTANT(kAckDelay);
  CHECK_CONSTANT(kFloodSpacing);
  CHECK_CONSTANT(kFirstNewsDelay);
  CHECK_CONSTANT(kMaxFirstNews);
  CHECK_CONSTANT(kDigestMismatchHellos);
  CHECK_CONSTANT(kDigestDifferentHellos);
  CHECK_CONSTANT(kReexchangeMin);
  CHECK_CONSTANT(kReexchangeMax);
  CHECK_CONSTANT(kOriginateBurst);
  CHECK_CONSTANT(kOriginatePerToken);
  CHECK_CONSTANT(kOriginBurst);
  CHECK_CONSTANT(kOriginPerToken);
  CHECK_CONSTANT(kOriginSweep);
  CHECK_CONSTANT(kForgeryBurst);
  CHECK_CONSTANT(kForgeryPerToken);
  CHECK_CONSTANT(kAnswerBurst);
  CHECK_CONSTANT(kAnswerPerToken);
  CHECK_CONSTANT(kSpfFirstDelay);
  CHECK_CONSTANT(kSpfShortDelay);
  CHECK_CONSTANT(kSpfTimeToLearn);
  CHECK_CONSTANT(kSpfShortRuns);
  CHECK_CONSTANT(kSpfLongDelay);
  CHECK_CONSTANT(kSpfHoldDown);
  CHECK_CONSTANT(kAlternatesDelay);
  CHECK_CONSTANT(kRejectEventInterval);
  CHECK_CONSTANT(kGrantFragment);
  CHECK_CONSTANT(kMaxGrantEndS);
  CHECK_CONSTANT(kFindingsDelay);
  CHECK_CONSTANT(kIngressHold);
}

TEST_CASE("every constant of routing/limits.h is in docs/protocol.md") {
  const std::string limits = contents("routing/limits.h");
  const std::regex definition("inline constexpr \\S+ (k\\w+)");
  int found = 0;
  for (auto at = std::sregex_iterator(limits.begin(), limits.end(), definition); at != std::sregex_iterator(); ++at) {
    CHECK_MESSAGE(!value_of((*at)[1].str().c_str()).empty(), (*at)[1].str());
    found++;
  }
  CHECK(found > 100);
}

TEST_CASE("every reason for a rejection is explained in docs/protocol.md") {
  for (std::size_t reason = 0; reason < kRejectReasonCount; reason++) {
    const char* name = to_string(static_cast<RejectReason>(reason));
    CHECK_MESSAGE(row("`" + std::string(name) + "`").size() == 2, name);
  }
}
