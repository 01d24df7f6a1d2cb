// Which announced prefixes this node uses (`accept`). Refused prefixes are stored and flooded all the same, and shown
// with the reason.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace starling::routing {

// A prefix with a range of lengths, written as in BIRD's filters:
//   10.0.0.0/8        that prefix only          10.0.0.0/8+       it and everything inside
//   10.0.0.0/8{15,24} inside, of lengths 15–24  10.0.0.0/8-       is refused: shorter prefixes are never meant
struct PrefixPattern {
  Prefix prefix;
  int shortest = 0;  // inclusive
  int longest = 0;   // inclusive

  bool matches(const Prefix& candidate) const;
  std::string to_string() const;
  static Result<PrefixPattern> parse(std::string_view text);
  friend bool operator==(const PrefixPattern&, const PrefixPattern&) = default;
};

enum class ImportVerdict : std::uint8_t {
  accepted,
  not_in_accept,      // no pattern matches
  default_not_named,  // a default route, and no pattern has exactly this prefix
  inside_connected,   // inside a directly connected subnet, and no pattern has exactly this prefix
  own_prefix,         // announced by ourselves: never routed away
  not_granted,        // the grant of whoever announces it does not allow it
};
const char* to_string(ImportVerdict verdict);

class ImportPolicy {
 public:
  // RFC 1918, 100.64.0.0/10 and fc00::/7, each with everything inside.
  ImportPolicy();
  explicit ImportPolicy(std::vector<PrefixPattern> patterns);

  ImportVerdict check(const Prefix& prefix, const std::vector<Prefix>& connected) const;
  const std::vector<PrefixPattern>& patterns() const { return patterns_; }

 private:
  std::vector<PrefixPattern> patterns_;
};

}  // namespace starling::routing
