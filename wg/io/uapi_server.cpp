#include "wg/io/uapi_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/system.h"
#include "base/timer_fd.h"
#include "wg/io/backend.h"
#include "wg/io/uapi_connection.h"
#include "wg/io/uapi_socket.h"

namespace starling::wg {
namespace {

constexpr int kEventsMax = 64;
constexpr int kAcceptsAtOnce = 32;
constexpr Duration kLookForFile = std::chrono::seconds(1);  // where the kernel does not tell

}  // namespace

UapiPeer describe_peer(const PeerStatus& status) {
  UapiPeer peer;
  peer.public_key = status.public_key;
  peer.endpoint = status.endpoint;
  peer.last_handshake = status.last_handshake;
  peer.tx_bytes = status.tx_bytes;
  peer.rx_bytes = status.rx_bytes;
  peer.persistent_keepalive_s = status.persistent_keepalive_s;
  return peer;
}

UapiDrops describe_drops(const BackendStatus& status) {
  UapiDrops drops;
  drops.without_peer = status.drops;
  for (const PeerStatus& peer : status.peers) drops.peers.emplace_back(peer.public_key, peer.drops);
  return drops;
}

class UapiServer::Impl {
 public:
  Impl(UapiSocket socket, UapiTarget& target)
      : socket_(std::move(socket)),
        target_(target),
        epoll_(checked_descriptor(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    watch(EPOLL_CTL_ADD, socket_.listener(), EPOLLIN);
    watch(EPOLL_CTL_ADD, timer_.fd(), EPOLLIN);
    if (socket_.watch() >= 0) watch(EPOLL_CTL_ADD, socket_.watch(), EPOLLIN);
    if (socket_.watch() < 0) look_at_ = monotonic_now();
    arm_timer();
  }

  int fd() const { return epoll_.get(); }
  bool removed() const { return removed_; }

  void handle() {
    std::array<epoll_event, kEventsMax> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, 0);
    const Time now = monotonic_now();
    bool accepts = false;
    std::vector<int> touched;
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == socket_.listener()) {
        accepts = true;
      } else if (fd == timer_.fd()) {
        on_timer(now);
      } else if (fd == socket_.watch()) {
        removed_ = removed_ || socket_.removed();
      } else {
        touched.push_back(fd);
      }
    }
    serve(now, touched);
    if (accepts) accept_some(now);
    arm_timer();
  }

 private:
  void watch(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    (void)::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  // Everything is carried out before anything is answered, so that several changes are settled at once.
  void serve(Time now, const std::vector<int>& fds) {
    bool changed = false;
    for (const int fd : fds) {
      const auto found = connections_.find(fd);
      if (found == connections_.end()) continue;
      changed |= found->second.work(now, target_);
      if (pending_size() > kUapiPendingMax) found->second.refuse(ENOBUFS);
    }
    if (changed) target_.settle();
    for (const int fd : fds) answer(now, fd);
  }

  void answer(Time now, int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return;
    UapiConnection& connection = found->second;
    connection.flush(now);
    if (connection.finished()) {
      drop(found);
    } else {
      watch(EPOLL_CTL_MOD, fd, connection.wants_to_write() ? EPOLLOUT : EPOLLIN);
    }
  }

  std::size_t pending_size() const {
    std::size_t size = 0;
    for (const auto& [fd, connection] : connections_) size += connection.pending_size();
    return size;
  }

  void accept_some(Time now) {
    for (int i = 0; i < kAcceptsAtOnce; ++i) {
      if (connections_.size() >= kUapiConnectionsMax && !make_room(now)) return pause_accepting(now);
      FileDescriptor socket(::accept4(socket_.listener(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause_accepting(now);
        return;
      }
      const int fd = socket.get();
      connections_.try_emplace(fd, now, std::move(socket));
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  // The one that has been idle longest goes; none that only just came, for its request is on the way.
  bool make_room(Time now) {
    auto oldest = connections_.end();
    for (auto it = connections_.begin(); it != connections_.end(); ++it) {
      if (!it->second.idle_since(now - kUapiIdleTimeMin)) continue;
      if (oldest == connections_.end() || it->second.last_active() < oldest->second.last_active()) oldest = it;
    }
    if (oldest == connections_.end()) return false;
    drop(oldest);
    return true;
  }

  // Who is not accepted waits in the kernel until the timer comes.
  void pause_accepting(Time now) {
    paused_until_ = now + kUapiIdleTimeMin;
    watch(EPOLL_CTL_MOD, socket_.listener(), 0);
  }

  void on_timer(Time now) {
    std::uint64_t expirations = 0;
    (void)!::read(timer_.fd(), &expirations, sizeof expirations);
    for (auto it = connections_.begin(); it != connections_.end();) {
      const std::optional<Time> deadline = it->second.deadline();
      const auto next = std::next(it);
      if (deadline && *deadline <= now) drop(it);
      it = next;
    }
    if (paused_until_ <= now) {
      paused_until_ = kNever;
      watch(EPOLL_CTL_MOD, socket_.listener(), EPOLLIN);
    }
    if (look_at_ <= now) {
      look_at_ = now + kLookForFile;
      removed_ = removed_ || socket_.removed();
    }
    armed_ = kNever;
  }

  void arm_timer() {
    Time next = std::min(paused_until_, look_at_);
    for (const auto& [fd, connection] : connections_) next = std::min(next, connection.deadline().value_or(kNever));
    if (next == armed_) return;
    armed_ = next;
    timer_.arm(next);
  }

  // Closing is not enough where a capture has the connection now.
  void drop(std::map<int, UapiConnection>::iterator connection) {
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection->first, nullptr);
    connections_.erase(connection);
  }

  UapiSocket socket_;
  UapiTarget& target_;
  FileDescriptor epoll_;
  TimerFd timer_;
  std::map<int, UapiConnection> connections_;  // by descriptor
  Time armed_ = kNever;
  Time paused_until_ = kNever;  // no accepting before
  Time look_at_ = kNever;       // whether the file is still there, where the kernel does not tell
  bool removed_ = false;
};

UapiServer::UapiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UapiServer::~UapiServer() = default;

Result<std::unique_ptr<UapiServer>> UapiServer::open(const std::string& interface, UapiTarget& target) {
  return open(interface, target, kUapiDirectory);
}

Result<std::unique_ptr<UapiServer>> UapiServer::open(const std::string& interface, UapiTarget& target,
                                                     const std::string& directory) {
  Result<UapiSocket> socket = UapiSocket::open(interface, directory);
  if (!socket) return socket.error();
  return std::unique_ptr<UapiServer>(new UapiServer(std::make_unique<Impl>(std::move(*socket), target)));
}

Result<std::unique_ptr<UapiServer>> UapiServer::adopt(FileDescriptor listener, UapiTarget& target) {
  Result<UapiSocket> socket = UapiSocket::adopt(std::move(listener));
  if (!socket) return socket.error();
  return std::unique_ptr<UapiServer>(new UapiServer(std::make_unique<Impl>(std::move(*socket), target)));
}

int UapiServer::fd() const {
  return impl_->fd();
}

void UapiServer::handle() {
  impl_->handle();
}

bool UapiServer::removed() const {
  return impl_->removed();
}

}  // namespace starling::wg
