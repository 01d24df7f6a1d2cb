// Keeps the engine's fast path of transit honest: what the kernel would do otherwise with a packet that passes through
// is handed to the engine as punts (PuntPlan), in step with the kernel's addresses, routes and rules. Where that cannot
// be said by destination alone (policy rules that look at more), or is not known at the moment (notifications were
// lost), packets take the kernel's way. Changes are collected and told when the loop has nothing more urgent to do, and
// take no more than a tenth of its time, however many there are.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "daemon/config/config.h"
#include "daemon/control/event_log.h"
#include "daemon/netlink/socket.h"
#include "daemon/punt_plan.h"
#include "daemon/route_reader.h"
#include "wg/tables.h"

namespace starling::daemon {

inline constexpr std::size_t kHeldRoutesMax = 2'000'000;  // about 80 bytes each; the Internet has 1.3 million in 2026

struct TransitGuardHooks {
  std::function<void(const wg::TransitDescription&)> set_transit;
  std::function<void()> on_change;  // the fast path went on or off, in either family
};

class TransitGuard {
 public:
  // All must outlive this. Nothing is read before open(). `config` says whether there is a fast path at all.
  TransitGuard(boost::asio::io_context& io, const Config& config, const PuntSettings& settings, EventLog& log,
               TransitGuardHooks hooks);

  // Reads the kernel's rules, by this socket which must outlive this, and its routes, and tells the engine.
  void open(NetlinkSocket& socket);
  void close();

  // What the engine is about to carry: to be called before it does.
  void expect(const wg::EgressDescription& egress);

  // From the kernel.
  void on_route_added(const KernelRoute& route, bool replaces);
  void on_route_removed(const KernelRoute& route);
  void on_routes_vanished();  // it may have dropped some without a word
  void on_rules_changed();
  void on_overrun();  // anything may have changed

  // Why packets of this family do not take the fast path; nothing if they do.
  std::optional<std::string> obstacle(Family family) const;
  // How many of the kernel's routes are watched.
  std::size_t kernel_routes() const { return plan_.routes().size(); }

 private:
  // Why nobody knows at the moment what the kernel would do.
  struct Doubt {
    std::string reason;
    std::string remedy;
    bool lasting = false;  // worth an event
  };

  void read_rules();
  void read_routes_after(Duration wait);
  void begin_reading();
  void stop_reading();
  void read_on();
  void finish_reading(const NetlinkAnswer& answer);
  void after_change();
  void doubt_too_many_routes();
  void doubt_lastingly(std::string reason, std::string remedy, Duration wait);
  void touch();
  void tell();
  void publish_changes();
  bool is_used(Family family) const;

  TransitGuardHooks hooks_;
  EventLog& log_;
  PuntSettings settings_;
  PuntPlan plan_;
  RouteReader reader_;
  bool transit_;
  bool enabled_;
  wg::TransitDescription told_;
  std::optional<Doubt> doubt_;
  std::map<Family, std::string> published_;  // obstacles that there was an event about
  NetlinkSocket* socket_ = nullptr;          // nullptr: not open
  bool is_reading_ = false;
  bool read_again_ = false;  // something vanished while it was read
  bool touched_ = false;
  bool rules_due_ = false;
  Time tell_not_before_{};
  Time read_not_before_{};
  Time read_at_ = kNever;  // when the next reading begins
  Time reading_since_{};
  boost::asio::io_context& io_;
  boost::asio::steady_timer tell_timer_;
  boost::asio::steady_timer read_timer_;
};

}  // namespace starling::daemon
