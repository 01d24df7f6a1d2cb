#include "routing/import_policy.h"

#include <algorithm>
#include <charconv>

namespace starling::routing {

namespace {

Error pattern_error(std::string_view text) {
  return Error{"\"" + std::string(text) + "\" is not a prefix pattern: write \"10.0.0.0/8\" (that prefix only), " +
               "\"10.0.0.0/8+\" (and everything inside) or \"10.0.0.0/8{16,24}\" (inside, of these lengths)"};
}

std::optional<int> parse_length(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || text[0] == '-') return std::nullopt;
  return value;
}

}  // namespace

bool PrefixPattern::matches(const Prefix& candidate) const {
  return prefix.contains(candidate) && candidate.length() >= shortest && candidate.length() <= longest;
}

std::string PrefixPattern::to_string() const {
  const int length = prefix.length();
  const int bits = prefix.address().bits();
  if (shortest == length && longest == length) return prefix.to_string();
  if (shortest == length && longest == bits) return prefix.to_string() + "+";
  return prefix.to_string() + "{" + std::to_string(shortest) + "," + std::to_string(longest) + "}";
}

Result<PrefixPattern> PrefixPattern::parse(std::string_view text) {
  const std::size_t end = text.find_first_of("+-{");
  const auto prefix = Prefix::parse(text.substr(0, end));
  if (!prefix) return pattern_error(text);
  PrefixPattern pattern{*prefix, prefix->length(), prefix->length()};
  if (end == std::string_view::npos) return pattern;

  const std::string_view suffix = text.substr(end);
  if (suffix == "+") {
    pattern.longest = prefix->address().bits();
    return pattern;
  }
  const std::size_t comma = suffix.find(',');
  if (suffix.front() != '{' || suffix.back() != '}' || comma == std::string_view::npos) return pattern_error(text);
  const auto shortest = parse_length(suffix.substr(1, comma - 1));
  const auto longest = parse_length(suffix.substr(comma + 1, suffix.size() - comma - 2));
  if (!shortest || !longest) return pattern_error(text);
  if (*shortest < prefix->length() || *shortest > *longest || *longest > prefix->address().bits()) {
    return Error{"\"" + std::string(text) + "\": lengths must satisfy " + std::to_string(prefix->length()) +
                 " <= shortest <= longest <= " + std::to_string(prefix->address().bits())};
  }
  pattern.shortest = *shortest;
  pattern.longest = *longest;
  return pattern;
}

const char* to_string(ImportVerdict verdict) {
  switch (verdict) {
    case ImportVerdict::accepted: return "accepted";
    case ImportVerdict::not_in_accept: return "not_in_accept";
    case ImportVerdict::default_not_named: return "default_not_named";
    case ImportVerdict::inside_connected: return "inside_connected";
    case ImportVerdict::own_prefix: return "own_prefix";
    case ImportVerdict::not_granted: return "not_granted";
  }
  return "unknown";
}

ImportPolicy::ImportPolicy() {
  for (const char* text : {"10.0.0.0/8+", "172.16.0.0/12+", "192.168.0.0/16+", "100.64.0.0/10+", "fc00::/7+"}) {
    patterns_.push_back(PrefixPattern::parse(text).value());
  }
}

ImportPolicy::ImportPolicy(std::vector<PrefixPattern> patterns) : patterns_(std::move(patterns)) {}

ImportVerdict ImportPolicy::check(const Prefix& prefix, const std::vector<Prefix>& connected) const {
  const auto names = [&](const PrefixPattern& pattern) { return pattern.prefix == prefix && pattern.matches(prefix); };
  const auto matches = [&](const PrefixPattern& pattern) { return pattern.matches(prefix); };
  if (std::any_of(patterns_.begin(), patterns_.end(), names)) return ImportVerdict::accepted;
  if (prefix.is_default()) return ImportVerdict::default_not_named;
  if (std::none_of(patterns_.begin(), patterns_.end(), matches)) return ImportVerdict::not_in_accept;
  const auto covers = [&](const Prefix& subnet) { return subnet.contains(prefix); };
  if (std::any_of(connected.begin(), connected.end(), covers)) return ImportVerdict::inside_connected;
  return ImportVerdict::accepted;
}

}  // namespace starling::routing
