#include "wg/protocol/keypairs.h"

#include "doctest/doctest.h"

using namespace starling;
using namespace starling::wg;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};

SessionPtr make_session(std::uint32_t index, Time created = kStart, bool is_initiator = true,
                        std::uint64_t first_counter = 0) {
  return std::make_shared<Session>(0, Session::Keys{}, index, 0, is_initiator, created, first_counter);
}

using Indices = std::vector<std::uint32_t>;
Indices indices_of(const std::vector<SessionPtr>& sessions) {
  Indices out;
  for (const SessionPtr& session : sessions) out.push_back(session->local_index());
  return out;
}

}  // namespace

TEST_CASE("an initiator's session sends at once, and the one before it goes on receiving") {
  Keypairs keypairs;
  CHECK(keypairs.sending() == nullptr);
  CHECK(keypairs.add_current(make_session(1)).empty());
  CHECK(keypairs.sending()->local_index() == 1);
  CHECK(keypairs.add_current(make_session(2)).empty());
  CHECK(keypairs.sending()->local_index() == 2);
  CHECK(indices_of(keypairs.previous()) == Indices{1});
}

TEST_CASE("a responder's session sends only once it is confirmed, and the current one sends until then") {
  Keypairs keypairs;
  keypairs.add_current(make_session(1));
  keypairs.add_next(make_session(2));
  CHECK(keypairs.sending()->local_index() == 1);
  CHECK(keypairs.confirm_next(kStart).empty());
  CHECK(keypairs.sending()->local_index() == 2);
  CHECK(keypairs.next() == nullptr);
  CHECK(indices_of(keypairs.previous()) == Indices{1});
}

TEST_CASE("a session that was never confirmed gives way to the next") {
  Keypairs keypairs;
  keypairs.add_next(make_session(1));
  CHECK(indices_of(keypairs.add_next(make_session(2))) == Indices{1});
  CHECK(keypairs.sending() == nullptr);
}

TEST_CASE("when both sides began at once the session that was answered only receives") {
  Keypairs keypairs;
  keypairs.add_next(make_session(1));
  CHECK(keypairs.add_current(make_session(2)).empty());
  CHECK(keypairs.sending()->local_index() == 2);
  CHECK(keypairs.next() == nullptr);
  CHECK(indices_of(keypairs.previous()) == Indices{1});
}

TEST_CASE("three previous sessions are kept, the oldest and those past REJECT_AFTER_TIME go") {
  Keypairs keypairs;
  for (std::uint32_t i = 1; i <= 4; i++) CHECK(keypairs.add_current(make_session(i)).empty());
  CHECK(indices_of(keypairs.add_current(make_session(5))) == Indices{1});
  CHECK(indices_of(keypairs.previous()) == Indices{4, 3, 2});
  CHECK(indices_of(keypairs.add_current(make_session(6, kStart + 180s))) == Indices{5, 4, 3, 2});
}

TEST_CASE("clearing retires every session") {
  Keypairs keypairs;
  keypairs.add_current(make_session(1));
  keypairs.add_current(make_session(2));
  keypairs.add_next(make_session(3));
  CHECK(indices_of(keypairs.clear()) == Indices{3, 2, 1});
  CHECK(keypairs.sending() == nullptr);
  CHECK(keypairs.current() == nullptr);
}

TEST_CASE("an initiator that sends renews after 120 s, a responder does not") {
  CHECK_FALSE(needs_rekey_after_sending(*make_session(1), kStart + 120s - 1ns));
  CHECK(needs_rekey_after_sending(*make_session(1), kStart + 120s));
  CHECK_FALSE(needs_rekey_after_sending(*make_session(1, kStart, false), kStart + 179s));
}

TEST_CASE("either side renews after REKEY_AFTER_MESSAGES") {
  for (const bool is_initiator : {true, false}) {
    CHECK_FALSE(needs_rekey_after_sending(*make_session(1, kStart, is_initiator, kRekeyAfterMessages - 1), kStart));
    CHECK(needs_rekey_after_sending(*make_session(1, kStart, is_initiator, kRekeyAfterMessages), kStart));
  }
}

TEST_CASE("an initiator that only receives renews 15 s before the end, a responder does not") {
  CHECK_FALSE(needs_rekey_after_receiving(*make_session(1), kStart + 165s - 1ns));
  CHECK(needs_rekey_after_receiving(*make_session(1), kStart + 165s));
  CHECK_FALSE(needs_rekey_after_receiving(*make_session(1, kStart, false), kStart + 179s));
}
