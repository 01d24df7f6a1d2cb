#include "daemon/control/drop_hints.h"

#include <doctest/doctest.h>

#include "routing/reject_reason.h"
#include "wg/drop_reason.h"

using namespace starling;
using starling::daemon::drop_hint;

TEST_CASE("Every reason for which the engine drops a packet says what a person can do") {
  for (std::size_t i = 0; i < wg::kDropReasonCount; ++i) {
    const char* const reason = wg::to_string(static_cast<wg::DropReason>(i));
    CAPTURE(reason);
    CHECK(drop_hint(reason).size() > 20);
  }
}

TEST_CASE("Every reason for which the router rejects something says what a person can do") {
  for (std::size_t i = 0; i < routing::kRejectReasonCount; ++i) {
    const char* const reason = routing::to_string(static_cast<routing::RejectReason>(i));
    CAPTURE(reason);
    CHECK(drop_hint(reason).size() > 20);
  }
}

TEST_CASE("A hint names the endpoint where it is known") {
  CHECK(
      drop_hint("handshake_gave_up", "192.0.2.1:51820").starts_with("no answer to 18 initiations at 192.0.2.1:51820:"));
  CHECK(drop_hint("handshake_gave_up").starts_with("no answer to 18 initiations at its endpoint:"));
}

TEST_CASE("There is no hint for what is no reason") {
  CHECK(drop_hint("nonsense").empty());
  CHECK(drop_hint("").empty());
}
