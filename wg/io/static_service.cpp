#include "wg/io/static_service.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iterator>

#include "wg/io/drop_text.h"
#include "wg/io/unreachable_text.h"

namespace starling::wg {
namespace {

std::string describe_drops(const DropCounters& drops) {
  std::string text;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    if (drops[i] != 0) text += fmt::format(" {} {}", to_string(static_cast<DropReason>(i)), drops[i]);
  }
  return text.empty() ? " none" : text;
}

}  // namespace

void StaticService::run() {
  Backend& backend = tunnel_.backend();
  while (!ended_) {
    pollfd waiting[] = {{backend.notification_fd(), POLLIN, 0}, {signals_, POLLIN, 0}, {server_.fd(), POLLIN, 0}};
    if (::poll(waiting, std::size(waiting), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if ((waiting[0].revents & POLLIN) != 0) backend.dispatch(*this);
    if ((waiting[1].revents & POLLIN) != 0) on_signal();
    if ((waiting[2].revents & POLLIN) == 0) continue;
    server_.handle();
    if (!server_.removed() || ended_) continue;
    log_.info("ending: the socket file was removed");
    ended_ = true;
  }
  backend.dispatch(*this);
  log_counters();
}

void StaticService::on_signal() {
  signalfd_siginfo signal{};
  if (::read(signals_, &signal, sizeof signal) != sizeof signal) return;
  if (signal.ssi_signo == SIGUSR1) return log_counters();
  log_.info(fmt::format("ending on signal {}", signal.ssi_signo));
  ended_ = true;
}

void StaticService::log_counters() const {
  const BackendStatus status = tunnel_.backend().status();
  for (const PeerStatus& peer : status.peers) {
    log_.info(fmt::format("{}: endpoint {}, rx {} bytes in {} packets, tx {} bytes in {} packets, drops:{}",
                          tunnel_.name_of(peer.id), peer.endpoint ? peer.endpoint->to_string() : "unknown",
                          peer.rx_bytes, peer.rx_packets, peer.tx_bytes, peer.tx_packets, describe_drops(peer.drops)));
  }
  if (status.helpers > 0) {
    log_.info(fmt::format("helpers: {}, did {} of {} batches that were offered to them", status.helpers,
                          status.batches_helped, status.batches_offered));
  }
  log_.info(fmt::format("no known peer: drops:{}", describe_drops(status.drops)));
}

void StaticService::on_session(Now, PeerId peer, bool as_initiator) {
  log_.info(
      fmt::format("{}: handshake complete, started by {}", tunnel_.name_of(peer), as_initiator ? "us" : "the peer"));
}

void StaticService::on_endpoint(Now, PeerId peer, const Endpoint& endpoint) {
  log_.info(fmt::format("{}: endpoint is {}", tunnel_.name_of(peer), endpoint.to_string()));
  tunnel_.note_endpoint(peer, endpoint);
}

void StaticService::on_unreachable(Now, PeerId peer, const Unreachable& what) {
  if (what.is_news) log_.error("unreachable: " + describe_unreachable(what, tunnel_.name_of(peer)));
}

void StaticService::on_drop(Now, const DropReport& report) {
  log_.error(fmt::format("dropped {} × {}: {}", report.count, to_string(report.reason),
                         describe_drop(report, tunnel_.name_of(report.peer), tunnel_.endpoint_of(report.peer))));
}

void StaticService::on_warning(Now, const std::string& what) {
  log_.error(what);
}

void StaticService::on_fatal(Now, const std::string& what) {
  log_.error(what);
  ended_ = true;
}

}  // namespace starling::wg
