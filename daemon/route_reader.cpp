#include "daemon/route_reader.h"

#include <errno.h>

#include <utility>

namespace starling::daemon {

// A socket of its own each time: one whose dump was not read to its end takes no other request.
void RouteReader::begin() {
  routes_ = RouteMirror(tunnel_index_);
  changes_.clear();
  failure_ = {};
  overfull_ = interrupted_ = false;
  socket_.reset();
  auto socket = NetlinkSocket::open();
  if (!socket.ok()) {
    failure_ = {ENOBUFS, socket.error().message};
    return;
  }
  socket_ = std::move(socket).value();
  begin_family(Family::ipv4);
}

void RouteReader::begin_family(Family family) {
  family_ = family;
  failure_.error = socket_->begin_dump(dump_routes_message(family));
}

void RouteReader::note(Change change) {
  if (changes_.size() >= routes_max_)
    overfull_ = true;
  else
    changes_.push_back(std::move(change));
}

std::optional<NetlinkAnswer> RouteReader::step() {
  if (!failure_.ok()) return finish(failure_);
  const std::optional<NetlinkAnswer> answer = socket_->continue_dump([this](const nlmsghdr& message) {
    const auto route = decode_route(message);
    if (!route) return;
    if (routes_.size() >= routes_max_)
      overfull_ = true;
    else
      routes_.add(*route, false);
  });
  if (overfull_) return finish({E2BIG, ""});
  if (!answer) return std::nullopt;
  interrupted_ = interrupted_ || answer->error == EINTR;
  if (!answer->ok() && answer->error != EINTR && !is_without_family(*answer, family_)) return finish(*answer);
  if (family_ == Family::ipv6) return finish({interrupted_ ? EINTR : 0, ""});
  begin_family(Family::ipv6);
  return std::nullopt;
}

std::optional<NetlinkAnswer> RouteReader::finish(NetlinkAnswer answer) {
  socket_.reset();
  routes_.settle();
  for (const Change& change : std::exchange(changes_, {})) {
    if (change.removed)
      routes_.remove(change.route);
    else
      routes_.add(change.route, change.replaces);
  }
  return answer;
}

RouteMirror RouteReader::take() {
  return std::exchange(routes_, RouteMirror(tunnel_index_));
}

}  // namespace starling::daemon
