// Every limit and every time constant of the routing protocol, in one place. docs/protocol.md prints the same table.
// Whatever a peer sends, no list grows past one of these.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace starling::routing {

// --- sizes ---

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::size_t kMaxPacketSize = 1200;   // bytes of UDP payload: fits every tunnel with an MTU >= 1280
inline constexpr std::size_t kMaxLsaBodySize = 1000;  // bytes, so that one announcement always fits one Update
inline constexpr std::uint16_t kMaxFragments = 64;    // per origin, numbered 0..63
inline constexpr std::size_t kMaxLsas = 32768;        // stored, tombstones included
inline constexpr std::size_t kMaxNameSize = 63;       // bytes
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

// --- Hellos ---

inline constexpr Duration kMinHelloInterval = std::chrono::milliseconds(10);
inline constexpr Duration kMaxHelloInterval = std::chrono::seconds(60);
inline constexpr std::uint8_t kMinMultiplier = 2;
inline constexpr std::uint8_t kMaxMultiplier = 50;
inline constexpr Duration kSilentHelloInterval = std::chrono::seconds(1);  // to peers that do not answer
inline constexpr Duration kFastAfterHeard = std::chrono::seconds(60);      // the normal pace is kept this long
inline constexpr std::uint32_t kHelloJitterPercent = 10;  // earlier (RFC 5880 6.8.7); at the slow pace later
inline constexpr std::uint32_t kProbes = 5;               // of a burst, spread over it evenly
inline constexpr std::uint32_t kSuspectProbes = 2;        // so many without an answer make a neighbour suspect
inline constexpr Duration kProbeBurst = std::chrono::milliseconds(50);  // at least; longer on long or busy ways
inline constexpr int kProlongedDoubt = 4;  // times its length, a burst goes on while our own timers are late
inline constexpr Duration kMaxLateness = std::chrono::milliseconds(255);  // that is told and reckoned with
inline constexpr Duration kLatenessHalfLife = std::chrono::seconds(10);
inline constexpr std::uint32_t kProbeAnswerBurst = 64;  // probes of one neighbour's answered
inline constexpr Duration kProbeAnswerPerToken = std::chrono::milliseconds(5);
inline constexpr Duration kMaxRoundTrip = std::chrono::seconds(60);  // a longer measurement is not believed

// --- flooding and exchange ---

inline constexpr Duration kRetransmitUnknown = std::chrono::milliseconds(100);  // before a round trip is known
inline constexpr Duration kRetransmitMin = std::chrono::milliseconds(50);       // else 4 round trips, at least this
inline constexpr Duration kRetransmitMax = std::chrono::seconds(2);             // doubled with each try up to this
inline constexpr int kDigestMismatchHellos = 3;    // both digests unchanged and different for so many Hellos
inline constexpr int kDigestDifferentHellos = 30;  // or different for so many Hellos, though they change all the time
inline constexpr Duration kReexchangeMin = std::chrono::seconds(1);  // doubled with each exchange that did not help
inline constexpr Duration kReexchangeMax = std::chrono::seconds(300);

// --- rates: a bucket holds so many tokens and gains one every so often ---

inline constexpr std::uint32_t kOriginateBurst = 64;  // own announcements
inline constexpr Duration kOriginatePerToken = std::chrono::milliseconds(125);
inline constexpr std::uint32_t kOriginBurst = 128;  // announcements accepted from one origin
inline constexpr Duration kOriginPerToken = std::chrono::milliseconds(62);
inline constexpr std::uint32_t kForgeryBurst = 64;  // signatures of one neighbour's that did not verify
inline constexpr Duration kForgeryPerToken = std::chrono::milliseconds(100);
inline constexpr std::uint32_t kAnswerBurst = 256;  // answers to one neighbour's Asks, Requests and stale news
inline constexpr Duration kAnswerPerToken = std::chrono::milliseconds(2);
inline constexpr std::uint32_t kSpfBurst = 8;  // computations without delay (RFC 8405's idea: fast first, then spaced)
inline constexpr Duration kSpfPerToken = std::chrono::milliseconds(50);
inline constexpr Duration kRejectEventInterval = std::chrono::seconds(1);  // per neighbour and reason

// --- routes ---

inline constexpr Duration kIngressHold =
    std::chrono::seconds(5);  // before a neighbour loses the right to send a source

}  // namespace starling::routing
