// One client of the control socket. Invariants: a request is taken only when the answer before it has left; what waits
// to be sent is one answer or, for a watcher, at most kWatchQueueMax shared lines; the position inside the line being
// sent is exact at every moment, since sends happen here and not in the background (Asio only says when).
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "daemon/control/event_log.h"
#include "daemon/control/server.h"

namespace starling::daemon {

class ControlConnection final : public EventWatcher, public std::enable_shared_from_this<ControlConnection> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;
  using Closed = std::function<void(ControlConnection*)>;
  struct Handlers {
    ControlServer::Handler answer;
    ControlServer::StreamHandler capture;
  };

  // `handlers` and `log` must live until close() or until `closed` was called.
  ControlConnection(Socket socket, const Handlers& handlers, EventLog& log, Closed closed);

  void start();
  // Sends what can be sent without waiting, then ends. Does not call `closed`.
  void close();
  void on_event(const EventLine& line) override;

 private:
  void await_readable();
  void await_writable();
  void on_readable();
  void take_next_request();
  void serve(std::string_view line);
  void start_watch(bool replay);
  void hand_over_to_capture(const nlohmann::json& request);
  void answer(const nlohmann::json& answer);
  void refuse(const std::string& error);
  void enqueue_event(const EventLine& line);
  void schedule_flush();
  void flush();
  bool send_queued();  // false: the connection is broken
  void tell_losses();
  void fail();

  Socket socket_;
  const Handlers& handlers_;
  EventLog& log_;
  Closed closed_;
  std::string input_;
  std::deque<EventLine> output_;
  std::size_t sent_ = 0;  // bytes of output_.front()
  std::uint64_t lost_ = 0;
  bool watching_ = false;
  bool open_ = true;
  bool input_ended_ = false;
  bool ends_after_output_ = false;
  bool reading_ = false;          // await_readable is under way
  bool writing_ = false;          // await_writable is under way
  bool flush_scheduled_ = false;  // so that events of one moment leave together
};

}  // namespace starling::daemon
