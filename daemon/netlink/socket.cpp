#include "daemon/netlink/socket.h"

#include <errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>

namespace starling::daemon {

namespace {

// Answers to one system call's requests must fit into the socket's receive buffer: about 800 bytes each as the kernel
// accounts them.
constexpr std::size_t kRequestsPerCallMax = 64;
constexpr int kReceiveBufferSize = 1 << 20;
constexpr std::size_t kMessageBufferSize = 64 * 1024;

NetlinkAnswer read_error(const nlmsghdr& message) {
  const auto* error = fixed_header<nlmsgerr>(message);
  if (error == nullptr) return {EBADMSG, ""};
  NetlinkAnswer answer{-error->error, ""};
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
    // With NETLINK_CAP_ACK the request is not quoted behind its header.
    const NetlinkAttributes attributes(message, sizeof(nlmsgerr));
    answer.message = attributes.text(NLMSGERR_ATTR_MSG);
  }
  return answer;
}

void set_option(int fd, int option) {
  const int on = 1;
  setsockopt(fd, SOL_NETLINK, option, &on, sizeof on);  // older kernels do without
}

}  // namespace

std::string NetlinkAnswer::to_string() const {
  const std::string text = strerror(error);
  return message.empty() ? text : text + " (" + message + ")";
}

void NetlinkSocket::Free::operator()(nl_sock* socket) const {
  nl_socket_free(socket);
}

NetlinkSocket::NetlinkSocket(nl_sock* socket) : socket_(socket), buffer_(kMessageBufferSize) {}
NetlinkSocket::~NetlinkSocket() = default;
NetlinkSocket::NetlinkSocket(NetlinkSocket&&) noexcept = default;
NetlinkSocket& NetlinkSocket::operator=(NetlinkSocket&&) noexcept = default;

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  nl_sock* raw = nl_socket_alloc();
  if (raw == nullptr) return Error{"no memory for a netlink socket"};
  NetlinkSocket socket(raw);
  if (const int error = nl_connect(raw, protocol); error < 0)
    return Error{std::string("no netlink socket: ") + nl_geterror(error)};
  nl_socket_set_buffer_size(raw, kReceiveBufferSize, kReceiveBufferSize);
  set_option(socket.fd(), NETLINK_CAP_ACK);
  set_option(socket.fd(), NETLINK_EXT_ACK);
  set_option(socket.fd(), NETLINK_GET_STRICT_CHK);
  return socket;
}

int NetlinkSocket::fd() const {
  return nl_socket_get_fd(socket_.get());
}

int NetlinkSocket::send(const std::vector<NetlinkMessage>& messages, std::size_t first, std::size_t count) {
  std::vector<iovec> parts(count);
  for (std::size_t i = 0; i < count; i++) {
    nlmsghdr* header = messages[first + i].header();
    parts[i] = {header, NLMSG_ALIGN(header->nlmsg_len)};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  while (sendmsg(fd(), &message, 0) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

void NetlinkSocket::receive_answers(std::uint32_t first_sequence, std::vector<NetlinkAnswer>& answers,
                                    std::size_t first, std::size_t count) {
  std::size_t left = count;
  while (left > 0) {
    const ssize_t size = recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      for (std::size_t i = 0; i < count; i++)
        if (answers[first + i].error == -1) answers[first + i].error = errno;
      return;
    }
    auto rest = static_cast<unsigned>(size);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data()); NLMSG_OK(header, rest);
         header = NLMSG_NEXT(header, rest)) {
      const std::uint32_t index = header->nlmsg_seq - first_sequence;
      if (header->nlmsg_type != NLMSG_ERROR || index >= count) continue;  // left over from a call that failed
      answers[first + index] = read_error(*header);
      left--;
    }
  }
}

std::vector<NetlinkAnswer> NetlinkSocket::request(std::vector<NetlinkMessage>& messages) {
  std::vector<NetlinkAnswer> answers(messages.size(), NetlinkAnswer{-1, ""});
  for (std::size_t first = 0; first < messages.size(); first += kRequestsPerCallMax) {
    const std::size_t count = std::min(kRequestsPerCallMax, messages.size() - first);
    const std::uint32_t first_sequence = next_sequence_;
    for (std::size_t i = 0; i < count; i++) {
      nlmsghdr* header = messages[first + i].header();
      header->nlmsg_seq = next_sequence_++;
      header->nlmsg_pid = 0;
      header->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    }
    if (const int error = send(messages, first, count); error != 0)
      std::fill_n(answers.begin() + static_cast<std::ptrdiff_t>(first), count, NetlinkAnswer{error, ""});
    else
      receive_answers(first_sequence, answers, first, count);
  }
  return answers;
}

NetlinkAnswer NetlinkSocket::request(NetlinkMessage message) {
  std::vector<NetlinkMessage> messages;
  messages.push_back(std::move(message));
  return request(messages).front();
}

NetlinkAnswer NetlinkSocket::query(NetlinkMessage message, const std::function<void(const nlmsghdr&)>& each) {
  return converse(std::move(message), NLM_F_ACK, each);
}

NetlinkAnswer NetlinkSocket::dump(NetlinkMessage message, const std::function<void(const nlmsghdr&)>& each) {
  return converse(std::move(message), NLM_F_DUMP, each);
}

int NetlinkSocket::begin(NetlinkMessage message, int flags) {
  std::vector<NetlinkMessage> messages;
  messages.push_back(std::move(message));
  nlmsghdr* request = messages.front().header();
  conversation_ = request->nlmsg_seq = next_sequence_++;
  interrupted_ = false;
  request->nlmsg_flags = static_cast<__u16>(request->nlmsg_flags | NLM_F_REQUEST | flags);
  return send(messages, 0, 1);
}

std::optional<NetlinkAnswer> NetlinkSocket::continue_dump(const std::function<void(const nlmsghdr&)>& each) {
  const ssize_t size = recv(fd(), buffer_.data(), buffer_.size(), 0);
  if (size < 0) return errno == EINTR ? std::nullopt : std::optional(NetlinkAnswer{errno, ""});
  auto rest = static_cast<unsigned>(size);
  for (auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data()); NLMSG_OK(header, rest);
       header = NLMSG_NEXT(header, rest)) {
    if (header->nlmsg_seq != conversation_) continue;
    interrupted_ = interrupted_ || (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (header->nlmsg_type == NLMSG_DONE) return NetlinkAnswer{interrupted_ ? EINTR : 0, ""};
    if (header->nlmsg_type == NLMSG_ERROR) return read_error(*header);
    each(*header);
  }
  return std::nullopt;
}

// Until the end of the dump, or the acknowledgement behind a single answer.
NetlinkAnswer NetlinkSocket::converse(NetlinkMessage message, int flags,
                                      const std::function<void(const nlmsghdr&)>& each) {
  if (const int error = begin(std::move(message), flags); error != 0) return {error, ""};
  for (;;)
    if (auto answer = continue_dump(each)) return std::move(*answer);
}

}  // namespace starling::daemon
