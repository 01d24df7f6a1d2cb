// The body of a link-state announcement, and of a grant: any bytes give a content or nothing, and a content encodes to
// what decodes to the same content. The same for a grant as a text.
#include <cstddef>

#include "routing/grant.h"
#include "routing/limits.h"
#include "routing/lsa.h"
#include "tests/fuzz/check.h"

using namespace starling;
using namespace starling::routing;

namespace {

void check_grant(Bytes body) {
  const LsaHeader header{{{}, kGrantFragment}, 1, 0, {}};
  const auto grant = decode_grant(header, body);
  if (!grant || body.size() > kMaxLsaBodySize) return;
  FUZZ_CHECK(!grant->revoked || grant->rights.empty());
  FUZZ_CHECK(grant->until_s >= 1 && grant->until_s <= kMaxGrantEndS);
  const LsaHandle again = sign_grant(*grant, [](Bytes) { return Signature{}; });
  FUZZ_CHECK(again->body().size() <= body.size());
  FUZZ_CHECK(decode_grant(again->header(), again->body()) == grant);
  const auto parsed = parse_grant(grant_to_text(*again));
  FUZZ_CHECK(parsed.ok() && parsed->grant == *grant);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes body(data, size);
  check_grant(body);
  const auto parsed = parse_grant({reinterpret_cast<const char*>(data), size});
  if (parsed.ok()) FUZZ_CHECK(grant_to_text(*parsed->lsa) == std::string(reinterpret_cast<const char*>(data), size));
  const auto content = decode_body(body);
  if (!content) return 0;
  const auto encoded = encode_body(*content);
  FUZZ_CHECK(encoded.size() <= size);
  const auto again = decode_body(encoded);
  FUZZ_CHECK(again && *again == *content);
  std::size_t expected = content->attributes ? encoded_size(*content->attributes) : 0;
  for (const LsaLink& link : content->links) {
    FUZZ_CHECK(link.metric >= 1 && link.metric <= kMaxLinkMetric && link.loss_permille <= 1000);
    expected += encoded_size(link);
  }
  for (const Prefix& prefix : content->prefixes) expected += encoded_size(prefix);
  FUZZ_CHECK(encoded.size() == expected);
  if (content->attributes)
    FUZZ_CHECK(!content->attributes->name.empty() && content->attributes->name.size() <= kMaxNameSize);
  return 0;
}
