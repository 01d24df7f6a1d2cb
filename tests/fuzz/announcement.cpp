// The body of a link-state announcement: any bytes give a content or nothing, and a content encodes to what decodes to
// the same content.
#include <cstddef>

#include "routing/limits.h"
#include "routing/lsa.h"
#include "tests/fuzz/check.h"

using namespace starling;
using namespace starling::routing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes body(data, size);
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
