#include "daemon/control/connection.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/system.h"

namespace starling::daemon {

using nlohmann::json;

namespace {

constexpr std::string_view kRequestForms =
    R"(one JSON object a line, such as {"command":"show","what":"status"} or {"command":"watch"})";

}  // namespace

ControlConnection::ControlConnection(Socket socket, const Handlers& handlers, EventLog& log, Closed closed)
    : socket_(std::move(socket)), handlers_(handlers), log_(log), closed_(std::move(closed)) {}

void ControlConnection::start() {
  socket_.native_non_blocking(true);
  await_readable();
}

void ControlConnection::close() {
  if (!open_) return;
  send_queued();
  if (watching_) log_.detach(*this);
  open_ = false;
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void ControlConnection::fail() {
  if (!open_) return;
  close();
  closed_(this);
}

// --- in ---

void ControlConnection::await_readable() {
  if (reading_ || !open_ || input_ended_) return;
  reading_ = true;
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    self->reading_ = false;
    if (!error && self->open_) self->on_readable();
  });
}

void ControlConnection::on_readable() {
  char chunk[16384];
  const ssize_t size = recv(socket_.native_handle(), chunk, sizeof chunk, MSG_DONTWAIT);
  if (size < 0 && errno != EAGAIN && errno != EINTR) return fail();
  if (size == 0) input_ended_ = true;
  if (watching_) {
    // A watcher has nothing more to say; its end is all that matters.
    return input_ended_ ? fail() : await_readable();
  }
  if (size > 0) input_.append(chunk, static_cast<std::size_t>(size));
  take_next_request();
}

// One request a turn, and only when nothing waits to be sent.
void ControlConnection::take_next_request() {
  if (!open_ || watching_ || ends_after_output_ || !output_.empty()) return;
  const std::size_t end = input_.find('\n');
  const bool too_long = end == std::string::npos ? input_.size() >= kControlLineMax : end >= kControlLineMax;
  if (too_long) {
    ends_after_output_ = true;
    return refuse("a request may have at most 65536 bytes, with its newline");
  }
  if (end != std::string::npos) {
    const std::string line = input_.substr(0, end);
    input_.erase(0, end + 1);
    return serve(line);
  }
  if (!input_ended_) return await_readable();
  if (input_.empty()) return fail();
  // The last line may lack its newline, as from `printf '{…}' | nc -U`.
  ends_after_output_ = true;
  serve(std::exchange(input_, {}));
}

void ControlConnection::serve(std::string_view line) {
  const json request = json::parse(line, nullptr, false);
  if (!request.is_object()) return refuse("not a JSON object; say " + std::string(kRequestForms));
  const auto command = request.find("command");
  if (command == request.end() || !command->is_string()) {
    return refuse("`command` is missing or no string; say " + std::string(kRequestForms));
  }
  if (*command == "watch") {
    const auto replay = request.find("replay");
    const bool valid = replay == request.end() || replay->is_boolean();
    return valid ? start_watch(replay != request.end() && replay->get<bool>()) : refuse("`replay` is true or false");
  }
  if (*command == "capture" && handlers_.capture) return hand_over_to_capture(request);
  Result<json> result = handlers_.answer(request);
  if (!result) return refuse(result.error().message);
  answer({{"ok", true}, {"result", std::move(result).value()}});
}

// --- out ---

void ControlConnection::answer(const json& answer) {
  output_.push_back(
      std::make_shared<const std::string>(answer.dump(-1, ' ', false, json::error_handler_t::replace) + '\n'));
  schedule_flush();
}

void ControlConnection::refuse(const std::string& error) {
  answer({{"ok", false}, {"error", error}});
}

void ControlConnection::start_watch(bool replay) {
  watching_ = true;
  answer({{"ok", true}});
  if (replay) output_.insert(output_.end(), log_.remembered().begin(), log_.remembered().end());
  log_.attach(*this);
  if (input_ended_) return;
  await_readable();
}

// All answers have left by now, so whoever takes the socket over is the only one who writes to it.
void ControlConnection::hand_over_to_capture(const json& request) {
  FileDescriptor stream(fcntl(socket_.native_handle(), F_DUPFD_CLOEXEC, 0));
  if (!stream) return refuse(std::string("cannot hand this connection over: ") + std::strerror(errno));
  const auto error = handlers_.capture(request, std::move(stream), json{{"ok", true}}.dump() + '\n');
  if (error) return refuse(error->message);
  // Released and not just closed: while another has the same socket, epoll would go on telling us of it.
  boost::system::error_code failed;
  const FileDescriptor ours(socket_.release(failed));
  fail();
}

void ControlConnection::on_event(const EventLine& line) {
  if (output_.size() >= kWatchQueueMax) {
    ++lost_;
    return;
  }
  output_.push_back(line);
  schedule_flush();
}

// Said as soon as there is room for it, and before anything that came later.
void ControlConnection::tell_losses() {
  if (lost_ == 0 || output_.size() >= kWatchQueueMax / 2) return;
  output_.push_back(log_.render(EventLevel::warning, "watch.lost", {{"count", lost_}}, cause_none(), system_now()));
  lost_ = 0;
}

void ControlConnection::schedule_flush() {
  if (flush_scheduled_ || writing_) return;
  flush_scheduled_ = true;
  boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->flush_scheduled_ = false;
    self->flush();
  });
}

bool ControlConnection::send_queued() {
  while (!output_.empty()) {
    const std::string& line = *output_.front();
    const ssize_t size =
        send(socket_.native_handle(), line.data() + sent_, line.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<std::size_t>(size);
    if (sent_ < line.size()) continue;
    sent_ = 0;
    output_.pop_front();
    tell_losses();
  }
  return true;
}

void ControlConnection::flush() {
  if (!open_) return;
  if (!send_queued()) return fail();
  if (!output_.empty()) return await_writable();
  if (ends_after_output_ && !watching_) return fail();
  take_next_request();
}

void ControlConnection::await_writable() {
  if (writing_) return;
  writing_ = true;
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const boost::system::error_code& error) {
    self->writing_ = false;
    if (!error) self->flush();
  });
}

}  // namespace starling::daemon
