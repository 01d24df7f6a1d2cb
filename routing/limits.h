// Every limit and every time constant of the routing protocol, in one place. docs/protocol.md prints the same table.
// Whatever a peer sends, no list grows past one of these.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "routing/types.h"

namespace starling::routing {

// --- sizes ---

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::size_t kMaxPacketSize = 1200;     // bytes of UDP payload: fits every tunnel with an MTU >= 1280
inline constexpr std::size_t kMaxLsaBodySize = 1000;    // bytes, so that one announcement always fits one Update
inline constexpr std::uint16_t kMaxFragments = 256;     // per origin, numbered 0..255
inline constexpr std::uint16_t kGrantFragment = 65535;  // beside them: the grant of its origin (grant.h)
constexpr bool is_fragment(std::uint16_t number) {
  return number < kMaxFragments || number == kGrantFragment;
}
inline constexpr std::size_t kMaxLsas = 32768;   // stored, tombstones included
inline constexpr std::size_t kMaxNameSize = 63;  // bytes
inline constexpr std::uint32_t kMaxLifetimeS = 86400;
inline constexpr std::uint64_t kMaxSequence = std::uint64_t{1}
                                              << 62;     // microseconds since 1970 reach it in 146,000 years
inline constexpr std::size_t kMaxInFlight = 64;          // announcements sent and not acknowledged, per neighbour
inline constexpr std::size_t kMaxWanted = kMaxLsas;      // announcements still to be requested, per neighbour
inline constexpr std::size_t kMaxRequestsInFlight = 64;  // of which asked for at a time
inline constexpr std::size_t kHeadersWindow = 16;        // packets that answer one Ask
inline constexpr std::uint8_t kMaxRequestTries = 8;      // then the announcement is left to the digest comparison
inline constexpr std::uint8_t kMaxTransmissions = 20;    // likewise, for an announcement that is never acknowledged

// --- announcements ---

inline constexpr std::uint32_t kLifetimeS = 3600;  // that we sign
inline constexpr Duration kRefresh = std::chrono::seconds(1800);
inline constexpr Duration kRefreshJitter = std::chrono::seconds(300);  // a refresh comes up to this much earlier
// A remaining lifetime below this is raised to it (or to the signed lifetime if that is shorter): the age is not
// signed, so nobody may use it to withdraw another's announcement.
inline constexpr Duration kMinRemaining = std::chrono::seconds(60);
inline constexpr std::uint32_t kFlapBurst =
    10;  // times that a link or prefix of ours that comes and goes comes at once
inline constexpr Duration kFlapPerToken = std::chrono::seconds(4);
inline constexpr Duration kGatherMin = std::chrono::milliseconds(8);    // since our last announcement, for good news,
inline constexpr Duration kGatherMax = std::chrono::milliseconds(128);  // doubled with each within
inline constexpr Duration kGatherRest = std::chrono::seconds(1);
inline constexpr unsigned kDuplicateSigns = 4;  // of a second machine with one key, until it is told
inline constexpr Duration kDuplicateWindow = std::chrono::seconds(300);  // between two signs, and since the last one
inline constexpr Duration kDuplicateReport = std::chrono::seconds(60);   // between two events about one key
inline constexpr Duration kJumpDelayMin = std::chrono::seconds(1);       // before a twin is answered again, doubled
inline constexpr Duration kJumpDelayMax = std::chrono::seconds(64);

// --- Hellos ---

inline constexpr Duration kMinHelloInterval = std::chrono::milliseconds(10);
inline constexpr Duration kMaxHelloInterval = std::chrono::seconds(60);
inline constexpr std::uint8_t kMinMultiplier = 2;
inline constexpr std::uint8_t kMaxMultiplier = 50;
inline constexpr Duration kSilentHelloInterval = std::chrono::seconds(1);  // to peers that do not answer
inline constexpr Duration kFastAfterHeard = std::chrono::seconds(60);      // the normal pace is kept this long
inline constexpr std::uint32_t kHelloSlackPercent = 10;  // of the interval: as much later a Hello is not missed yet
inline constexpr std::uint32_t kProbes = 5;              // of a burst, spread over it evenly
inline constexpr std::uint32_t kSuspectProbes = 2;       // so many without an answer make a neighbour suspect
inline constexpr Duration kProbeBurst = std::chrono::milliseconds(50);  // at least; longer on long or busy ways
inline constexpr int kProlongedDoubt = 4;   // times its length, a burst goes on while our own timers are late
inline constexpr int kTrafficVouches = 10;  // detection times, for which its traffic alone counts as a neighbour's word
inline constexpr Duration kHintInterval = std::chrono::seconds(1);        // between two doubts that ICMP begins
inline constexpr Duration kMaxLateness = std::chrono::milliseconds(255);  // that is told and reckoned with
inline constexpr Duration kLatenessHalfLife = std::chrono::seconds(10);
inline constexpr std::uint32_t kProbeAnswerBurst = 64;  // probes of one neighbour's answered
inline constexpr Duration kProbeAnswerPerToken = std::chrono::milliseconds(5);
inline constexpr Duration kMaxRoundTrip = std::chrono::seconds(60);  // a longer measurement is not believed

// --- metric ---

inline constexpr Metric kMetricPerHop = 1000;         // of a measured metric, beside the round trip in microseconds
inline constexpr Metric kUnmeasuredMetric = 100'000;  // as if the round trip were 99 ms
inline constexpr std::uint16_t kLossForgiven = 10;    // thousandths lost that do not count
inline constexpr std::uint16_t kLossDoubling = 20;    // so many more add the whole metric once more
inline constexpr Metric kMetricStepPart = 4;          // a change below this part of what is announced is none
inline constexpr Metric kMetricStepMin = 500;         // nor one below this
inline constexpr Duration kMetricHold = std::chrono::seconds(10);  // a change must last; doubled when it turns back
inline constexpr Duration kMetricSettle =
    std::chrono::seconds(1);  // of which the shortest round trip is believed first
inline constexpr Duration kMetricHoldMax = std::chrono::seconds(1800);
inline constexpr int kMetricCalmHolds = 8;  // times the hold without a change make it kMetricHold again

// --- path probes and grey links (path_probe.h, link_quality.h) ---

inline constexpr std::size_t kMaxProbePacketSize = 65487;  // bytes of UDP payload: an MTU of 65535 less the headers
inline constexpr std::uint16_t kMinProbeSize = 75;         // bytes inside the tunnel, headers included
inline constexpr int kProbeSizeStep = 16;                  // bytes: WireGuard pads to a multiple
inline constexpr std::size_t kProbesRemembered = 16;       // of full size
inline constexpr Duration kPathProbeInterval = std::chrono::seconds(10);      // while all is well
inline constexpr std::uint32_t kPathProbeJitterPercent = 10;                  // earlier
inline constexpr Duration kProbeAnswerTime = std::chrono::milliseconds(250);  // at least; else 4 round trips
inline constexpr Duration kProbeAnswerTimeUnknown = std::chrono::seconds(1);  // while no round trip is known
inline constexpr Duration kDoubtInterval = std::chrono::seconds(1);           // of probes, with so many lost:
inline constexpr std::size_t kDoubtLost = 2;                                  // of those remembered
inline constexpr std::size_t kSearchAfterLost = 2;  // in a row: then smaller ones are tried too
inline constexpr std::uint8_t kTriesPerProbeSize = 2;
inline constexpr std::size_t kGreyLostInARow = 8;        // probes
inline constexpr std::size_t kGreyLost = 8;              // of those remembered
inline constexpr std::uint16_t kGreyLossPermille = 250;  // of the other end's Hellos
inline constexpr std::uint32_t kGreyHellos = 64;         // and more, by which that loss is judged
inline constexpr std::uint32_t kOutageHellos = 8;        // a larger gap is a failure and no loss
inline constexpr std::size_t kHealProbes = 8;            // the newest, of which no more are lost than
inline constexpr std::size_t kHealLost = 2;
inline constexpr std::uint16_t kHealLossPermille = 100;
inline constexpr Duration kGreyHeal =
    std::chrono::seconds(10);  // all that holds for so long; doubled with each relapse
inline constexpr Duration kGreyHealMax = std::chrono::seconds(300);
inline constexpr int kRelapseTimes = 8;  // the healing time after it has ended: until then it is a relapse

// --- flooding and exchange ---

inline constexpr Duration kRetransmitUnknown = std::chrono::milliseconds(100);  // before a round trip is known
inline constexpr Duration kRetransmitMin = std::chrono::milliseconds(50);       // else 4 round trips, at least this
inline constexpr Duration kRetransmitMax = std::chrono::seconds(2);             // doubled with each try up to this
inline constexpr Duration kAckDelay = std::chrono::milliseconds(5);             // for more of them to go in one packet
inline constexpr Duration kFloodSpacing = std::chrono::milliseconds(1);  // the first news goes at once, more together
inline constexpr Duration kFirstNewsDelay = std::chrono::milliseconds(200);  // of a new node without links (yet)
inline constexpr std::size_t kMaxFirstNews = kMaxLsas;                       // that wait so
inline constexpr int kDigestMismatchHellos = 3;    // both digests unchanged and different for so many Hellos
inline constexpr int kDigestDifferentHellos = 30;  // or different for so many Hellos, though they change all the time
inline constexpr Duration kReexchangeMin = std::chrono::seconds(1);  // doubled with each exchange that did not help
inline constexpr Duration kReexchangeMax = std::chrono::seconds(300);

// --- rates: a bucket holds so many tokens and gains one every so often ---

inline constexpr std::uint32_t kOriginateBurst = 320;  // own announcements: all fragments, and some changes
inline constexpr Duration kOriginatePerToken = std::chrono::milliseconds(125);
inline constexpr std::uint32_t kOriginBurst = 640;  // announcements accepted from one origin
inline constexpr Duration kOriginPerToken = std::chrono::milliseconds(62);
inline constexpr Duration kOriginSweep = std::chrono::seconds(10);  // between two looks for full buckets
inline constexpr std::uint32_t kForgeryBurst = 64;                  // signatures of one neighbour's that did not verify
inline constexpr Duration kForgeryPerToken = std::chrono::milliseconds(100);
inline constexpr std::uint32_t kAnswerBurst = 256;  // answers to one neighbour's Asks, Requests and stale news
inline constexpr Duration kAnswerPerToken = std::chrono::milliseconds(2);
inline constexpr Duration kRejectEventInterval = std::chrono::seconds(1);  // per neighbour and reason

// --- trust ---

inline constexpr std::uint64_t kMaxGrantEndS = 253'402'300'799;      // seconds since 1970: the end of the year 9999
inline constexpr Duration kFindingsDelay = std::chrono::seconds(1);  // from a change of prefixes to what is told of it

// --- routes ---

// The back-off of shortest-path computations (RFC 8405; spf_backoff.h).
inline constexpr Duration kSpfFirstDelay{};                                  // a change after a calm
inline constexpr Duration kSpfShortDelay = std::chrono::milliseconds(5);     // those that follow
inline constexpr Duration kSpfTimeToLearn = std::chrono::milliseconds(500);  // of a failure; from then on,
inline constexpr unsigned kSpfShortRuns = 6;                                 // or after so many computations:
inline constexpr Duration kSpfLongDelay = std::chrono::milliseconds(25);
inline constexpr Duration kSpfHoldDown = std::chrono::seconds(1);             // without a change: calm again
inline constexpr Duration kAlternatesDelay = std::chrono::milliseconds(100);  // after a large change

inline constexpr Duration kIngressHold =
    std::chrono::seconds(5);  // before a neighbour loses the right to send a source

}  // namespace starling::routing
