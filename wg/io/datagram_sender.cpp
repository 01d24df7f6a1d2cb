#include "wg/io/datagram_sender.h"

#include <fmt/format.h>
#include <linux/udp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "wg/io/socket_address.h"

namespace starling::wg {
namespace {

constexpr int kSendWait_ms = 20;  // for room in a full socket buffer, before datagrams are given up

std::size_t index_of(Family family) {
  return family == Family::ipv4 ? 0 : 1;
}

// Of a source address that is gone, or from where the routes do not lead there: another may do.
bool blames_source(int error) {
  return error == EINVAL || error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL || error == ENODEV;
}

// The path's MTU is smaller than a datagram; one by one they are fragmented.
bool blames_size(int error) {
  return error == EMSGSIZE || error == EINVAL;
}

// Dropped by a full queue of the device's. Who asks for errors is told (Linux net/ipv4/udp.c, udp_send_skb), and nobody
// else: as on any later queue on the way, it is the ends that slow down.
bool was_sent(int error) {
  return error == ENOBUFS;
}

bool wait_for_room(int fd) {
  pollfd room{fd, POLLOUT, 0};
  return ::poll(&room, 1, kSendWait_ms) > 0;
}

}  // namespace

std::size_t DatagramSender::message_limit(Family family, const OutgoingRun& run) const {
  if (!segment_[index_of(family)]) return 1;
  if (!refused_.empty() && std::find(refused_.begin(), refused_.end(), run.to) != refused_.end()) return 1;
  const std::size_t size = family == Family::ipv4 ? kMessageSizeMax_v4 : kMessageSizeMax_v6;
  return std::clamp<std::size_t>(size / run.segment_size, 1, kSegmentsMax);
}

void DatagramSender::probe(int fd) {
  if (!segment_[0] && !segment_[1]) return;
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &size) == 0) return;
  segment_ = {false, false};
  warning_ = fmt::format("UDP segmentation offload: {}; not used", std::strerror(errno));
}

void DatagramSender::refuse(Family family, std::span<const OutgoingRun> runs, int error, SendOutcome& outcome) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].to.address.family() == family) outcome.failures.push_back({i, 0, runs[i].count(), error});
  }
}

void DatagramSender::send(int fd, Family family, std::span<const OutgoingRun> runs, SendOutcome& outcome) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].to.address.family() != family) continue;
    const std::size_t datagrams = runs[i].count();
    for (std::size_t first = 0; first < datagrams;) {
      const std::size_t count = std::min(message_limit(family, runs[i]), datagrams - first);
      add(family, runs, {i, first, count, runs[i].source.has_value()});
      first += count;
      if (count_ == kMessagesMax) submit(fd, family, runs, outcome);
    }
  }
  submit(fd, family, runs, outcome);
}

void DatagramSender::add(Family family, std::span<const OutgoingRun> runs, const Message& message) {
  const OutgoingRun& run = runs[message.run];
  messages_[count_] = message;
  const std::size_t begin = message.first * run.segment_size;
  const std::size_t size = std::min(message.count * run.segment_size, run.bytes.size() - begin);
  arrays_.vectors[count_] = {const_cast<std::uint8_t*>(run.bytes.data() + begin), size};
  write_header(count_++, family, run);
}

void DatagramSender::write_header(std::size_t at, Family family, const OutgoingRun& run) {
  const Message& message = messages_[at];
  msghdr& header = arrays_.headers[at].msg_hdr;
  header = {};
  header.msg_name = &arrays_.addresses[at];
  header.msg_namelen = to_socket_address(run.to, arrays_.addresses[at]);
  header.msg_iov = &arrays_.vectors[at];
  header.msg_iovlen = 1;
  OutgoingAncillary ancillary{run.traffic_class, std::nullopt, 0};
  if (message.has_source) ancillary.source = run.source;
  if (message.count > 1) ancillary.segment_size = static_cast<std::uint16_t>(run.segment_size);
  write_ancillary(header, arrays_.ancillary[at], family, ancillary);
}

void DatagramSender::submit(int fd, Family family, std::span<const OutgoingRun> runs, SendOutcome& outcome) {
  bool waited = false;
  unsigned tries = 0;
  for (std::size_t next = 0; next < count_;) {
    const int sent = ::sendmmsg(fd, arrays_.headers.data() + next, static_cast<unsigned>(count_ - next), MSG_DONTWAIT);
    if (sent > 0) {
      next += static_cast<std::size_t>(sent);
      tries = 0;
      continue;
    }
    // All that follows is about the first message that was not sent.
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN && !waited) {
      waited = !wait_for_room(fd);
      continue;
    }
    if (errors_.is_anothers(fd, error, tries)) continue;
    tries = 0;
    if (was_sent(error) || on_error(fd, family, next, error, runs, outcome)) ++next;
  }
  count_ = 0;
}

// True if the message is done with, one way or the other; else it is to be tried again as it is now.
bool DatagramSender::on_error(int fd, Family family, std::size_t at, int error, std::span<const OutgoingRun> runs,
                              SendOutcome& outcome) {
  Message& message = messages_[at];
  if (message.count > 1 && (error == EIO || blames_size(error))) {
    const std::size_t refused_before = outcome.sources_refused.size();
    const std::size_t failed_before = outcome.failures.size();
    if (error == EIO && std::exchange(segment_[index_of(family)], false)) {
      warning_ = fmt::format("UDP segmentation offload over {}: {}; switched off",
                             family == Family::ipv4 ? "IPv4" : "IPv6", std::strerror(error));
    }
    send_singly(fd, family, message, runs, outcome);
    // One by one they go, from the same source: it was the size.
    const bool clean = outcome.sources_refused.size() == refused_before && outcome.failures.size() == failed_before;
    if (blames_size(error) && clean) {
      if (refused_.size() == kRefusedMax) refused_.erase(refused_.begin());
      refused_.push_back(runs[message.run].to);
    }
    return true;
  }
  if (message.has_source && blames_source(error)) {
    message.has_source = false;
    outcome.sources_refused.push_back(message.run);
    write_header(at, family, runs[message.run]);
    return false;
  }
  outcome.failures.push_back({message.run, message.first, message.count, error});
  return true;
}

void DatagramSender::send_singly(int fd, Family family, const Message& message, std::span<const OutgoingRun> runs,
                                 SendOutcome& outcome) {
  const OutgoingRun& run = runs[message.run];
  bool has_source = message.has_source;
  bool waited = false;
  unsigned tries = 0;
  for (std::size_t i = message.first; i < message.first + message.count;) {
    const Bytes datagram = run.bytes.subspan(i * run.segment_size)
                               .first(std::min(run.segment_size, run.bytes.size() - i * run.segment_size));
    sockaddr_storage address{};
    AncillaryBuffer buffer;
    iovec vector{const_cast<std::uint8_t*>(datagram.data()), datagram.size()};
    msghdr header{};
    header.msg_name = &address;
    header.msg_namelen = to_socket_address(run.to, address);
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    write_ancillary(header, buffer, family, {run.traffic_class, has_source ? run.source : std::nullopt, 0});
    const int error = ::sendmsg(fd, &header, MSG_DONTWAIT) >= 0 ? 0 : errno;
    if (error == EINTR) continue;
    if (error == EAGAIN && !waited) {
      waited = !wait_for_room(fd);
      continue;
    }
    if (error != 0 && errors_.is_anothers(fd, error, tries)) continue;
    tries = 0;
    if (has_source && blames_source(error)) {
      has_source = false;
      outcome.sources_refused.push_back(message.run);
      continue;
    }
    if (error != 0 && !was_sent(error)) outcome.failures.push_back({message.run, i, 1, error});
    ++i;
  }
}

}  // namespace starling::wg
