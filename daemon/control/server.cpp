#include "daemon/control/server.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "daemon/control/connection.h"

namespace starling::daemon {

using boost::asio::local::stream_protocol;

namespace {

// After accept fails (no descriptors left, say): long enough not to spin, short enough not to be noticed.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

std::string reason(const std::string& what, const boost::system::error_code& error) {
  return what + ": " + error.message();
}

std::optional<Error> make_directory(const std::filesystem::path& directory) {
  std::error_code failed;
  if (directory.empty() || std::filesystem::is_directory(directory, failed)) return std::nullopt;
  std::filesystem::create_directories(directory, failed);
  if (!failed) {
    std::filesystem::permissions(directory, std::filesystem::perms(0755), failed);
  }
  if (failed) return Error{"cannot make the directory " + directory.string() + ": " + failed.message()};
  return std::nullopt;
}

// Removes a socket file that a daemon left when it was killed.
std::optional<Error> remove_stale(boost::asio::io_context& io, const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return std::nullopt;
  if (!S_ISSOCK(found.st_mode)) return Error{path + " is there and is no socket; remove it or name another path"};
  stream_protocol::socket probe(io);
  boost::system::error_code error;
  probe.connect(stream_protocol::endpoint(path), error);
  if (!error) return Error{"another starlingd listens at " + path + " already; stop it or name another path"};
  if (error != boost::asio::error::connection_refused) return Error{reason("cannot use " + path, error)};
  unlink(path.c_str());
  return std::nullopt;
}

}  // namespace

struct ControlServer::Impl : std::enable_shared_from_this<ControlServer::Impl> {
  Impl(boost::asio::io_context& io, std::string socket_path, ControlConnection::Handlers request_handlers,
       EventLog& event_log)
      : path(std::move(socket_path)), handlers(std::move(request_handlers)), log(event_log), acceptor(io), pause(io) {}

  std::optional<Error> listen() {
    boost::system::error_code error;
    acceptor.open(stream_protocol(), error);
    if (error) return Error{reason("cannot make a control socket", error)};
    // The mode comes from the umask at bind, so that there is no moment in which others could connect.
    const mode_t former = umask(0177);
    acceptor.bind(stream_protocol::endpoint(path), error);
    umask(former);
    if (error) return Error{reason("cannot make the control socket " + path, error)};
    bound = true;
    acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) return Error{reason("cannot listen at " + path, error)};
    return std::nullopt;
  }

  void accept() {
    acceptor.async_accept(
        [self = shared_from_this()](const boost::system::error_code& error, stream_protocol::socket socket) {
          if (!self->acceptor.is_open()) return;
          if (error) return self->accept_later();
          self->admit(std::move(socket));
          self->accept();
        });
  }

  void accept_later() {
    pause.expires_after(kAcceptPause);
    pause.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && self->acceptor.is_open()) self->accept();
    });
  }

  void admit(stream_protocol::socket socket) {
    if (connections.size() >= kControlConnectionsMax) return turn_away(std::move(socket));
    auto connection = std::make_shared<ControlConnection>(std::move(socket), handlers, log, [this](auto* closed) {
      std::erase_if(connections, [&](const auto& held) { return held.get() == closed; });
    });
    connections.insert(connection);
    connection->start();
  }

  static void turn_away(stream_protocol::socket socket) {
    const nlohmann::json answer{{"ok", false}, {"error", "too many connections; at most 64 at a time"}};
    const std::string line = answer.dump() + '\n';
    // The buffer of a fresh socket takes one line; if it does not, closing says enough.
    [[maybe_unused]] const ssize_t sent =
        send(socket.native_handle(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  void close() {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    pause.cancel();
    for (const auto& connection : std::exchange(connections, {})) connection->close();
    if (bound) unlink(path.c_str());
  }

  std::string path;
  ControlConnection::Handlers handlers;
  EventLog& log;
  stream_protocol::acceptor acceptor;
  boost::asio::steady_timer pause;
  std::set<std::shared_ptr<ControlConnection>> connections;
  bool bound = false;
};

ControlServer::ControlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControlServer::~ControlServer() {
  impl_->close();
}

Result<std::unique_ptr<ControlServer>> ControlServer::open(boost::asio::io_context& io, const std::string& path,
                                                           Handler handler, EventLog& log, StreamHandler capture) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Error{"a control socket's path has 1 to 107 bytes: " + path};
  }
  if (auto failed = make_directory(std::filesystem::path(path).parent_path())) return *failed;
  if (auto failed = remove_stale(io, path)) return *failed;
  ControlConnection::Handlers handlers{std::move(handler), std::move(capture)};
  std::unique_ptr<ControlServer> server(new ControlServer(std::make_shared<Impl>(io, path, std::move(handlers), log)));
  if (auto failed = server->impl_->listen()) return *failed;
  server->impl_->accept();
  return server;
}

const std::string& ControlServer::path() const {
  return impl_->path;
}
std::size_t ControlServer::connections() const {
  return impl_->connections.size();
}

}  // namespace starling::daemon
