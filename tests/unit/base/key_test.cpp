#include "base/key.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <type_traits>
#include <utility>

using namespace starling;

TEST_CASE("base64 of 1, 2 and 3 bytes is padded as in RFC 4648 section 10") {
  const auto encode = [](std::string_view text) {
    return to_base64(Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  };
  CHECK(encode("") == "");
  CHECK(encode("f") == "Zg==");
  CHECK(encode("fo") == "Zm8=");
  CHECK(encode("foo") == "Zm9v");
  CHECK(encode("foob") == "Zm9vYg==");
  CHECK(encode("foobar") == "Zm9vYmFy");
}

TEST_CASE("a key is exactly the 44 characters that wg prints") {
  const std::string text = "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
  CHECK(to_base64(parse_public_key(text).value()) == text);
  CHECK(parse_secret_key(text).has_value());
  for (const char* bad :
       {"", "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk", "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n",
        "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=",  // spare bits set
        "!Anz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmkk"}) {
    CHECK_FALSE(parse_public_key(bad).has_value());
    CHECK_FALSE(parse_secret_key(bad).has_value());
  }
}

TEST_CASE("hex goes both ways and refuses odd sizes and foreign digits") {
  const std::array<std::uint8_t, 3> bytes{0x00, 0xaf, 0x9c};
  CHECK(to_hex(bytes) == "00af9c");
  std::array<std::uint8_t, 3> back{};
  CHECK(parse_hex("00AF9c", back));
  CHECK(back == bytes);
  CHECK_FALSE(parse_hex("00af9", back));
  CHECK_FALSE(parse_hex("00af9g", back));
}

TEST_CASE("a secret that was moved from is wiped") {
  std::array<std::uint8_t, kKeySize> bytes{};
  bytes.fill(7);
  SecretKey first{Bytes(bytes)};
  SecretKey second = std::move(first);
  CHECK(first.is_zero());  // NOLINT(bugprone-use-after-move): that is the point
  CHECK_FALSE(second.is_zero());
  CHECK(second == SecretKey{Bytes(bytes)});
  first = std::move(second);
  CHECK(second.is_zero());  // NOLINT(bugprone-use-after-move)
  CHECK_FALSE(first == SecretKey());
  CHECK_THROWS_AS(SecretKey(Bytes(bytes).first(31)), std::invalid_argument);
}
