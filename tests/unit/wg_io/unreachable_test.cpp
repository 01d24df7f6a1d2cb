// How often the owner hears of ICMP errors, and in which words a person does.
#include <doctest/doctest.h>

#include <set>

#include "wg/io/unreachable_text.h"
#include "wg/io/unreachable_watch.h"

using namespace starling;
using namespace starling::wg;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{100s};

}  // namespace

TEST_CASE("of a stream of errors the owner hears one a second, and of each meaning the first") {
  UnreachableWatch watch;
  int notified = 0, news = 0;
  for (Duration passed{}; passed < 10s; passed += 1ms) {
    const auto verdict = watch.on_error(kStart + passed, UnreachableMeaning::port);
    notified += verdict.notify;
    news += verdict.is_news;
  }
  CHECK(notified == 10);
  CHECK(news == 1);
  const auto other = watch.on_error(kStart + 9'999ms, UnreachableMeaning::prohibited);
  CHECK(other.notify);
  CHECK(other.is_news);
  CHECK_FALSE(watch.on_error(kStart + 10s, UnreachableMeaning::port).notify);
}

TEST_CASE("it is news again after the peer was well, and after a minute without") {
  UnreachableWatch watch;
  CHECK(watch.on_error(kStart, UnreachableMeaning::port).is_news);
  CHECK_FALSE(watch.on_error(kStart + 59s, UnreachableMeaning::port).is_news);
  CHECK_FALSE(watch.on_error(kStart + 59s + kUnreachableCalm - 1ms, UnreachableMeaning::port).is_news);
  CHECK(watch.on_error(kStart + 200s, UnreachableMeaning::port).is_news);
  watch.on_well();
  CHECK(watch.on_error(kStart + 200s, UnreachableMeaning::port).is_news);
}

TEST_CASE("each meaning has a name and a sentence of its own, which says where and who") {
  std::set<std::string> names, sentences;
  for (std::size_t i = 0; i < kUnreachableMeaningCount; ++i) {
    const Unreachable what{static_cast<UnreachableMeaning>(i), *Endpoint::parse("192.0.2.2:7000"),
                           IpAddress::parse("192.0.2.9"), 1280, true};
    names.insert(to_string(what.meaning));
    const std::string sentence = describe_unreachable(what, "peer X");
    CAPTURE(sentence);
    CHECK(sentence.starts_with("192.0.2.9 says of a datagram to peer X at 192.0.2.2:7000: "));
    CHECK(sentences.insert(sentence).second);
  }
  CHECK(names.size() == kUnreachableMeaningCount);
  CHECK(
      describe_unreachable({UnreachableMeaning::port, *Endpoint::parse("[2001:db8::2]:7000"), {}, 0, true}, "peer X")
          .starts_with("someone says of a datagram to peer X at [2001:db8::2]:7000: nobody listens on UDP port 7000 of "
                       "2001:db8::2: "));
}
