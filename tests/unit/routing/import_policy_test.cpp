#include "routing/import_policy.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::routing;

namespace {

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

bool matches(const char* pattern, const char* candidate) {
  return PrefixPattern::parse(pattern).value().matches(prefix(candidate));
}

}  // namespace

TEST_CASE("a bare prefix means that prefix only") {
  CHECK(matches("10.0.0.0/8", "10.0.0.0/8"));
  CHECK_FALSE(matches("10.0.0.0/8", "10.1.0.0/16"));
  CHECK_FALSE(matches("10.0.0.0/8", "0.0.0.0/0"));
}

TEST_CASE("a plus means the prefix and everything inside") {
  CHECK(matches("10.0.0.0/8+", "10.0.0.0/8"));
  CHECK(matches("10.0.0.0/8+", "10.1.2.3/32"));
  CHECK_FALSE(matches("10.0.0.0/8+", "11.0.0.0/8"));
  CHECK_FALSE(matches("10.0.0.0/8+", "fd00::/8"));
  CHECK(matches("fc00::/7+", "fd42:1::/32"));
}

TEST_CASE("braces mean lengths from and to, inclusive") {
  CHECK_FALSE(matches("10.0.0.0/8{15,24}", "10.0.0.0/14"));
  CHECK(matches("10.0.0.0/8{15,24}", "10.0.0.0/15"));
  CHECK(matches("10.0.0.0/8{15,24}", "10.255.255.0/24"));
  CHECK_FALSE(matches("10.0.0.0/8{15,24}", "10.0.0.0/25"));
}

TEST_CASE("patterns print as they are written") {
  for (const char* text : {"10.0.0.0/8", "10.0.0.0/8+", "10.0.0.0/8{15,24}", "fc00::/7+", "0.0.0.0/0", "::/0"}) {
    CHECK(PrefixPattern::parse(text).value().to_string() == text);
  }
}

TEST_CASE("what is no pattern is refused with a message that says what would be right") {
  for (const char* text : {"", "10.0.0.0", "10.0.0.1/8", "10.0.0.0/8-", "10.0.0.0/8++", "10.0.0.0/8{", "10.0.0.0/8{16}",
                           "10.0.0.0/8{a,24}", "10.0.0.0/8{,}", "10.0.0.0/8{24,16}", "10.0.0.0/8{4,24}",
                           "10.0.0.0/8{16,33}", "10.0.0.0/8{-1,24}", "10.0.0.0/8{16,24}x"}) {
    const auto pattern = PrefixPattern::parse(text);
    CAPTURE(text);
    REQUIRE_FALSE(pattern.ok());
    CHECK(pattern.error().message.find(text) != std::string::npos);
  }
}

TEST_CASE("the default policy takes private and unique local prefixes and nothing else") {
  const ImportPolicy policy;
  for (const char* text : {"10.1.0.0/16", "172.20.0.0/14", "192.168.1.0/24", "100.64.0.1/32", "fd42::/16"}) {
    CHECK(policy.check(prefix(text), {}) == ImportVerdict::accepted);
  }
  for (const char* text : {"8.8.8.0/24", "172.0.0.0/8", "2001:db8::/32", "fe80::/64"}) {
    CHECK(policy.check(prefix(text), {}) == ImportVerdict::not_in_accept);
  }
  CHECK(policy.check(prefix("0.0.0.0/0"), {}) == ImportVerdict::default_not_named);
  CHECK(policy.check(prefix("::/0"), {}) == ImportVerdict::default_not_named);
}

TEST_CASE("a default route is taken only when a pattern names it, not when one covers it") {
  const auto check = [](const char* pattern) {
    return ImportPolicy({PrefixPattern::parse(pattern).value()}).check(prefix("0.0.0.0/0"), {});
  };
  CHECK(check("0.0.0.0/0") == ImportVerdict::accepted);
  CHECK(check("0.0.0.0/0+") == ImportVerdict::accepted);
  CHECK(check("0.0.0.0/0{8,24}") == ImportVerdict::default_not_named);
}

TEST_CASE("a prefix inside a connected subnet is taken only when named") {
  const std::vector<Prefix> connected{prefix("192.168.1.0/24")};
  const ImportPolicy by_default;
  CHECK(by_default.check(prefix("192.168.1.0/25"), connected) == ImportVerdict::inside_connected);
  CHECK(by_default.check(prefix("192.168.1.0/24"), connected) == ImportVerdict::inside_connected);
  CHECK(by_default.check(prefix("192.168.0.0/16"), connected) == ImportVerdict::accepted);
  const ImportPolicy naming({PrefixPattern::parse("192.168.1.0/25").value()});
  CHECK(naming.check(prefix("192.168.1.0/25"), connected) == ImportVerdict::accepted);
}
