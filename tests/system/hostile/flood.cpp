#include "tests/system/hostile/flood.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/system.h"
#include "wg/io/socket_address.h"

namespace starling::hostile {
namespace {

constexpr int kOn = 1;
constexpr int kBuffer = 4 << 20;  // bytes

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

FileDescriptor open_socket(std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) fail("socket");
  sockaddr_storage address{};
  const socklen_t size = wg::to_socket_address({IpAddress(), port, 0}, address);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kBuffer, sizeof kBuffer);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
  (void)::setsockopt(socket.get(), SOL_IP, IP_FREEBIND, &kOn, sizeof kOn);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) < 0) fail("bind");
  return socket;
}

union Control {
  cmsghdr align;
  std::uint8_t bytes[CMSG_SPACE(sizeof(in_pktinfo))];
};

void set_source(msghdr& header, Control& control, const IpAddress& source) {
  control = {};
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof control.bytes;
  cmsghdr* const message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = SOL_IP;
  message->cmsg_type = IP_PKTINFO;
  message->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  in_pktinfo info{};
  std::memcpy(&info.ipi_spec_dst, source.bytes().data(), 4);
  std::memcpy(CMSG_DATA(message), &info, sizeof info);
}

}  // namespace

Flood::Flood(const Endpoint& victim, std::uint16_t source_port) : socket_(open_socket(source_port)), victim_(victim) {}

void Flood::set_rate(double datagrams_per_s) {
  rate_ = datagrams_per_s;
  began_ = monotonic_now();
  sent_since_began_ = 0;
}

void Flood::send(Datagram bytes, const IpAddress& source) {
  batch_.push_back({std::move(bytes), source});
  if (batch_.size() == kBatch) flush();
}

void Flood::keep_pace() {
  const auto due = began_ + Duration(static_cast<Duration::rep>(static_cast<double>(sent_since_began_) / rate_ * 1e9));
  const Duration wait = due - monotonic_now();
  if (wait <= Duration::zero()) return;
  const timespec time{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
  ::nanosleep(&time, nullptr);
}

void Flood::flush() {
  keep_pace();
  sockaddr_storage to{};
  const socklen_t to_size = wg::to_socket_address(victim_, to);
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> vectors;
  std::array<Control, kBatch> controls;
  for (std::size_t i = 0; i < batch_.size(); i++) {
    vectors[i] = {batch_[i].bytes.data(), batch_[i].bytes.size()};
    msghdr& header = headers[i].msg_hdr;
    header.msg_name = &to;
    header.msg_namelen = to_size;
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
    set_source(header, controls[i], batch_[i].source);
    bytes_sent_ += batch_[i].bytes.size();
  }
  for (std::size_t next = 0; next < batch_.size();) {
    const int sent = ::sendmmsg(socket_.get(), headers.data() + next, static_cast<unsigned>(batch_.size() - next), 0);
    if (sent < 0 && errno != EINTR && errno != ENOBUFS) fail("sendmmsg");
    if (sent > 0) next += static_cast<std::size_t>(sent);
  }
  sent_ += batch_.size();
  sent_since_began_ += batch_.size();
  batch_.clear();
  count_answers();
}

void Flood::count_answers() {
  std::array<std::uint8_t, 2048> buffer;
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) return;
    answers_.by_type[got > 0 && buffer[0] <= 4 ? buffer[0] : 0]++;
    answers_.bytes += static_cast<std::uint64_t>(got);
  }
}

}  // namespace starling::hostile
