// What a person writes for a link and for Hellos.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "topologies/lab/sim/build.h"

namespace starling::sim {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr Unit kTimes[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
constexpr Unit kRates[] = {{"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}};
constexpr Unit kShares[] = {{"%", 10}};  // in thousandths
constexpr double kTimeMax_ns = 60e9;

// A number with one of these units behind it.
template <std::size_t n>
std::optional<double> amount(std::string_view text, const Unit (&units)[n]) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  if (digits == 0) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(digits) == unit.name)
      return std::strtod(std::string(text.substr(0, digits)).c_str(), nullptr) * unit.factor;
  }
  return std::nullopt;
}

bool set_time(std::string_view text, Duration& out) {
  const auto value = parse_time(text);
  if (value) out = *value;
  return value.has_value();
}

bool set_share(std::string_view text, std::uint32_t& out_permille) {
  const auto value = amount(text, kShares);
  if (!value || *value > 1000) return false;
  out_permille = static_cast<std::uint32_t>(std::lround(*value));
  return true;
}

bool set_rate(std::string_view text, std::uint64_t& out_bits_per_s) {
  const auto value = amount(text, kRates);
  if (!value || *value < 1 || *value > 1e12) return false;
  out_bits_per_s = static_cast<std::uint64_t>(*value);
  return true;
}

bool set_mtu(std::string_view text, std::uint32_t& out) {
  char* end = nullptr;
  const std::string digits(text);
  const unsigned long value = std::strtoul(digits.c_str(), &end, 10);
  if (digits.empty() || *end != '\0' || value < 68 || value > 65535) return false;
  out = static_cast<std::uint32_t>(value);
  return true;
}

bool set_property(std::string_view key, std::string_view value, Quality& quality) {
  if (key == "delay") return set_time(value, quality.delay);
  if (key == "jitter") return set_time(value, quality.jitter);
  if (key == "loss") return set_share(value, quality.loss_permille);
  if (key == "duplicate") return set_share(value, quality.duplicate_permille);
  if (key == "reorder") return set_share(value, quality.reorder_permille);
  if (key == "rate") return set_rate(value, quality.rate_bits_per_s);
  return key == "mtu" && set_mtu(value, quality.mtu);
}

}  // namespace

std::optional<Duration> parse_time(std::string_view text) {
  const auto ns = amount(text, kTimes);
  if (!ns || *ns > kTimeMax_ns) return std::nullopt;
  return Duration(static_cast<Duration::rep>(std::llround(*ns)));
}

Result<Quality> parse_quality(std::string_view text, Quality base) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || !set_property(part.substr(0, equals), part.substr(equals + 1), base))
      return Error{
          fmt::format("--link {}: must be like delay=1ms,jitter=200us,loss=1%,duplicate=0.5%,reorder=1%,"
                      "rate=10Mbit,mtu=1280, any of them; times up to 60 s",
                      part)};
  }
  return base;
}

Result<routing::HelloConfig> parse_hello(std::string_view text) {
  const std::size_t cross = text.find('x');
  routing::HelloConfig hello;
  bool good = set_time(text.substr(0, cross), hello.interval) && hello.interval >= routing::kMinHelloInterval &&
              hello.interval <= routing::kMaxHelloInterval;
  if (cross != std::string_view::npos) {
    const std::string digits(text.substr(cross + 1));
    char* end = nullptr;
    const unsigned long value = std::strtoul(digits.c_str(), &end, 10);
    good =
        good && !digits.empty() && *end == '\0' && value >= routing::kMinMultiplier && value <= routing::kMaxMultiplier;
    hello.multiplier = static_cast<std::uint8_t>(value);
  }
  if (good) return hello;
  return Error{fmt::format(
      "--hello {}: must be an interval of 10ms to 60s, and after an x a multiplier of 2 to 50, such as 50msx3", text)};
}

}  // namespace starling::sim
