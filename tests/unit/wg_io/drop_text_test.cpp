#include "wg/io/drop_text.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <set>

using namespace starling;
using namespace starling::wg;

namespace {

DropReport report(DropReason reason, const char* address = nullptr, std::uint16_t port = 0, int error = 0) {
  DropReport made{7, reason, 3, std::nullopt, port, error};
  if (address != nullptr) made.address = *IpAddress::parse(address);
  return made;
}

std::string text(const DropReport& what) {
  return describe_drop(what, "peer X", std::nullopt);
}

bool says(const std::string& sentence, const char* part) {
  return sentence.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every reason has a sentence of its own, with and without addresses") {
  std::set<std::string> sentences;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    CAPTURE(to_string(reason));
    CHECK(text(report(reason)).size() > 30);
    CHECK(sentences.insert(text(report(reason, "192.0.2.7", 51820, EPERM))).second);
  }
}

TEST_CASE("a sentence names the addresses and the peer that it is about") {
  CHECK(text(report(DropReason::ingress_source_unknown, "10.1.2.3"))
            .starts_with("source 10.1.2.3 from peer X is not in its AllowedIPs: add it"));
  CHECK(text(report(DropReason::ingress_source_not_allowed, "10.1.2.3"))
            .starts_with("source 10.1.2.3 from peer X is not in its AllowedIPs but in another peer's"));
  CHECK(says(text(report(DropReason::bad_mac1, "192.0.2.7", 51820)),
             "from 192.0.2.7:51820 is for another public key than ours: the other side has a wrong public key of us"));
  CHECK(text(report(DropReason::handshake_gave_up, "192.0.2.1", 51820))
            .starts_with("no answer from peer X to 18 initiations at 192.0.2.1:51820: check"));
  CHECK(says(text(report(DropReason::handshake_replay, "2001:db8::7", 51820)), "from [2001:db8::7]:51820 of peer X"));
  CHECK(text(report(DropReason::egress_no_route, "10.7.7.7")).starts_with("10.7.7.7 is in no peer's AllowedIPs"));
}

TEST_CASE("where the report has no address, the peer's endpoint stands in where that is what counts") {
  const Endpoint endpoint = *Endpoint::parse("192.0.2.1:51820");
  CHECK(says(describe_drop(report(DropReason::handshake_gave_up), "peer X", endpoint), "at 192.0.2.1:51820"));
  CHECK_FALSE(says(describe_drop(report(DropReason::malformed), "peer X", endpoint), "192.0.2.1"));
}

TEST_CASE("what the kernel refused is told in its own words") {
  const std::string sentence = text(report(DropReason::send_failed, "192.0.2.1", 51820, ENETUNREACH));
  CHECK(says(sentence, "to peer X at 192.0.2.1:51820: Network is unreachable"));
}
