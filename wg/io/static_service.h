// What starling-wg does while it runs: serves one StaticTunnel to `wg` and its signals, and says in the log what the
// engine tells. Threads: one.
#pragma once

#include <memory>
#include <string>

#include "wg/io/backend.h"
#include "wg/io/log.h"
#include "wg/io/static_tunnel.h"
#include "wg/io/uapi_server.h"

namespace starling::wg {

class StaticService final : private BackendObserver {
 public:
  // `tunnel`, `server` and `log` must outlive it. `signals` is a signalfd.
  StaticService(StaticTunnel& tunnel, UapiServer& server, const Log& log, int signals)
      : tunnel_(tunnel), server_(server), log_(log), signals_(signals) {}

  // Until a signal, or the end of the interface or of its socket file.
  void run();

 private:
  void on_signal();
  void log_counters() const;

  void on_control_packet(Now, PeerId, Bytes) override {}  // there is no control port, so none come
  void on_session(Now at, PeerId peer, bool as_initiator) override;
  void on_endpoint(Now at, PeerId peer, const Endpoint& endpoint) override;
  void on_unreachable(Now at, PeerId peer, const Unreachable& what) override;
  void on_drop(Now at, const DropReport& report) override;
  void on_warning(Now at, const std::string& what) override;
  void on_fatal(Now at, const std::string& what) override;

  StaticTunnel& tunnel_;
  UapiServer& server_;
  const Log& log_;
  const int signals_;
  bool ended_ = false;
};

}  // namespace starling::wg
