#include "daemon/transit_guard.h"

#include <errno.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/system.h"

namespace starling::daemon {

namespace {

constexpr int kPiecesPerTurn = 4;    // of a reading, some 1,000 routes
constexpr int kReadingsAtStart = 5;  // a table that changes while it is read is read again
constexpr int kRestShare = 9;        // after each work, so many times its duration for the loop's other work
constexpr Duration kVanishedWait = std::chrono::seconds(1);  // what is held too long costs speed, and nothing else
constexpr Duration kRetryWait = std::chrono::seconds(1);
constexpr Duration kTooManyWait = std::chrono::minutes(1);
constexpr const char* kSpareTheWork = "\"transit_fast_path\": false spares the work of looking";

std::chrono::steady_clock::time_point to_steady(Time time) {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(time.time_since_epoch()));
}

Time now() {
  return monotonic_now();
}

// When the next work of this kind may begin, for one that began at `start` and has just ended.
Time rested(Time start) {
  const Time end = now();
  return end + kRestShare * (end - start);
}

}  // namespace

TransitGuard::TransitGuard(boost::asio::io_context& io, const Config& config, const PuntSettings& settings,
                           EventLog& log, TransitGuardHooks hooks)
    : hooks_(std::move(hooks)),
      log_(log),
      settings_(settings),
      plan_(settings),
      reader_(settings.interface_index, kHeldRoutesMax),
      transit_(config.transit),
      enabled_(config.transit_fast_path),
      doubt_(Doubt{"the kernel's routes are not read yet", "", false}),
      io_(io),
      tell_timer_(io),
      read_timer_(io) {
  told_.source_v4 = config.first_address(Family::ipv4);
  told_.source_v6 = config.first_address(Family::ipv6);
}

// Nobody waits for us yet, so all is read at once.
void TransitGuard::open(NetlinkSocket& socket) {
  hooks_.set_transit(told_);  // the addresses from which errors are sent
  if (!enabled_) return;
  socket_ = &socket;
  read_rules();
  for (int i = 0; i < kReadingsAtStart && doubt_ && !doubt_->lasting; i++) {
    begin_reading();
    while (is_reading_)
      if (const auto answer = reader_.step()) finish_reading(*answer);
  }
  tell();
}

void TransitGuard::close() {
  socket_ = nullptr;
  stop_reading();
  tell_timer_.cancel();
  read_timer_.cancel();
}

// More punts than needed for a moment are safe, fewer are not: what leaves the engine's table stays in the plan until
// the engine has its new one.
void TransitGuard::expect(const wg::EgressDescription& egress) {
  if (socket_ == nullptr) return;
  std::vector<Prefix> prefixes;
  prefixes.reserve(egress.entries.size());
  for (const wg::EgressEntry& entry : egress.entries) prefixes.push_back(entry.prefix);
  plan_.want(prefixes);
  tell();
  touch();
}

void TransitGuard::on_route_added(const KernelRoute& route, bool replaces) {
  if (is_reading_) reader_.on_added(route, replaces);
  if (socket_ == nullptr || doubt_) return;  // in doubt, all will be read
  plan_.add_route(route, replaces);
  after_change();
}

void TransitGuard::on_route_removed(const KernelRoute& route) {
  if (is_reading_) reader_.on_removed(route);
  if (socket_ == nullptr || doubt_) return;
  plan_.remove_route(route);
  after_change();
}

void TransitGuard::after_change() {
  if (plan_.routes().size() > kHeldRoutesMax) return doubt_too_many_routes();
  if (plan_.routes().is_unsure()) read_routes_after(kVanishedWait);
  touch();
}

void TransitGuard::on_routes_vanished() {
  read_routes_after(kVanishedWait);
}

void TransitGuard::on_rules_changed() {
  rules_due_ = true;
  touch();
}

void TransitGuard::on_overrun() {
  if (socket_ == nullptr) return;
  rules_due_ = true;
  stop_reading();
  if (doubt_ && doubt_->lasting) return read_routes_after(kTooManyWait);
  doubt_ = Doubt{"the kernel's routes changed faster than they could be followed; they are read again", "", false};
  tell();
  touch();
  read_routes_after({});
}

std::optional<std::string> TransitGuard::obstacle(Family family) const {
  if (!transit_) return "\"transit\" is false";
  if (!enabled_) return "\"transit_fast_path\" is false";
  if (doubt_) return doubt_->reason;
  return plan_.rules(family).obstacle;
}

void TransitGuard::read_rules() {
  rules_due_ = false;
  std::vector<PolicyRule> rules;
  const NetlinkAnswer answer = dump_rules(*socket_, [&](const PolicyRule& rule) { rules.push_back(rule); });
  if (answer.ok()) return plan_.set_rules(rules);
  plan_.set_no_rules("the kernel's policy rules cannot be read: " + answer.to_string(),
                     "it is tried again every second");
  rules_due_ = true;
  tell_not_before_ = std::max(tell_not_before_, now() + kRetryWait);
  boost::asio::post(io_, [this] { touch(); });
}

void TransitGuard::read_routes_after(Duration wait) {
  if (socket_ == nullptr) return;
  if (is_reading_) {
    read_again_ = true;
    return;
  }
  const Time at = std::max(now() + wait, read_not_before_);
  if (read_at_ <= at) return;
  read_at_ = at;
  read_timer_.expires_at(to_steady(at));
  read_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || socket_ == nullptr) return;
    begin_reading();
    read_on();
  });
}

void TransitGuard::begin_reading() {
  read_timer_.cancel();
  read_at_ = kNever;
  reading_since_ = now();
  is_reading_ = true;
  read_again_ = false;
  reader_.begin();
}

void TransitGuard::stop_reading() {
  if (!std::exchange(is_reading_, false)) return;
  reader_.abort();
  read_not_before_ = rested(reading_since_);
}

// A few pieces each turn of the loop.
void TransitGuard::read_on() {
  for (int i = 0; i < kPiecesPerTurn && is_reading_; i++)
    if (const auto answer = reader_.step()) finish_reading(*answer);
  if (is_reading_) boost::asio::post(io_, [this] { read_on(); });
}

void TransitGuard::finish_reading(const NetlinkAnswer& answer) {
  RouteMirror routes = reader_.take();
  if (answer.ok()) {
    doubt_.reset();
    plan_.set_routes(std::move(routes));
  }
  stop_reading();
  if (answer.error == E2BIG) return doubt_too_many_routes();
  if (answer.error == EINTR) return read_routes_after({});
  if (!answer.ok())
    return doubt_lastingly("the kernel's routes cannot be read: " + answer.to_string(),
                           "it is tried again every second", kRetryWait);
  if (read_again_) read_routes_after(kVanishedWait);
  after_change();
}

void TransitGuard::doubt_too_many_routes() {
  doubt_lastingly(fmt::format("the kernel has more than {} routes", kHeldRoutesMax), kSpareTheWork, kTooManyWait);
}

void TransitGuard::doubt_lastingly(std::string reason, std::string remedy, Duration wait) {
  doubt_ = Doubt{std::move(reason), std::move(remedy), true};
  plan_.set_routes(RouteMirror(settings_.interface_index));
  read_routes_after(wait);
  touch();
}

void TransitGuard::touch() {
  if (socket_ == nullptr || std::exchange(touched_, true)) return;
  tell_timer_.expires_at(to_steady(std::max(now(), tell_not_before_)));
  tell_timer_.async_wait([this](const boost::system::error_code& error) {
    touched_ = false;
    if (error || socket_ == nullptr) return;
    const Time start = now();
    if (rules_due_) read_rules();
    plan_.forget_leaving();
    tell();
    tell_not_before_ = std::max(tell_not_before_, rested(start));
  });
}

void TransitGuard::tell() {
  if (!doubt_ && plan_.is_overfull())
    doubt_lastingly(fmt::format("more than {} of the kernel's routes are inside the mesh's prefixes", kPuntsMax),
                    kSpareTheWork, kTooManyWait);
  wg::TransitDescription description{false, {}, told_.source_v4, told_.source_v6};
  description.fast_path = !doubt_ && (!plan_.rules(Family::ipv4).obstacle || !plan_.rules(Family::ipv6).obstacle);
  if (description.fast_path) description.punts.assign(plan_.punts().begin(), plan_.punts().end());
  if (description != told_) {
    told_ = std::move(description);
    hooks_.set_transit(told_);
  }
  publish_changes();
}

// Nobody wants to hear of a family that there is nothing of.
bool TransitGuard::is_used(Family family) const {
  return (family == Family::ipv4 ? told_.source_v4 : told_.source_v6).has_value() || plan_.carries(family);
}

void TransitGuard::publish_changes() {
  bool changed = false;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    if (!is_used(family) || (doubt_ && !doubt_->lasting)) continue;
    const std::string reason = obstacle(family).value_or("");
    std::string& published = published_[family];
    if (reason == published) continue;
    published = reason;
    changed = true;
    nlohmann::ordered_json fields{{"family", family == Family::ipv4 ? "ipv4" : "ipv6"}};
    if (!reason.empty()) {
      fields["reason"] = reason;
      fields["remedy"] = doubt_ ? doubt_->remedy : plan_.rules(family).remedy;
    }
    log_.publish(reason.empty() ? EventLevel::info : EventLevel::warning,
                 reason.empty() ? "transit.fast" : "transit.slow", fields, system_now());
  }
  if (changed) hooks_.on_change();
}

}  // namespace starling::daemon
