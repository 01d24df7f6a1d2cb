// A netlink socket for requests, to routing or another part of the kernel. The kernel carries a request out before send
// returns, so that answers are there at once and nothing here waits for anything but the kernel's own lock; many
// requests go in one system call.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/netlink/message.h"

struct nl_sock;

namespace starling::daemon {

// The kernel's answer to one request.
struct NetlinkAnswer {
  int error = 0;        // an errno, 0 if it was done
  std::string message;  // the kernel's own words (NLMSGERR_ATTR_MSG), often empty

  bool ok() const { return error == 0; }
  std::string to_string() const;  // "File exists", "Invalid argument (Invalid prefsrc address)"
};

class NetlinkSocket {
 public:
  static Result<NetlinkSocket> open(int protocol = NETLINK_ROUTE);
  ~NetlinkSocket();
  NetlinkSocket(NetlinkSocket&&) noexcept;
  NetlinkSocket& operator=(NetlinkSocket&&) noexcept;

  // One answer per request, in order. Sequence numbers and NLM_F_ACK are set here.
  std::vector<NetlinkAnswer> request(std::vector<NetlinkMessage>& messages);
  NetlinkAnswer request(NetlinkMessage message);
  // Asks for one object; `each` is called with it if there is one.
  NetlinkAnswer query(NetlinkMessage message, const std::function<void(const nlmsghdr&)>& each);
  // Calls `each` for every object of a dump (NLM_F_DUMP is set here). EINTR if the table changed meanwhile: ask again.
  NetlinkAnswer dump(NetlinkMessage message, const std::function<void(const nlmsghdr&)>& each);
  // The same in pieces: after begin_dump (an errno, or 0), each call hands over what one system call gives, until it
  // returns the answer. No other request by this socket meanwhile, nor after a dump that was not read to its end.
  int begin_dump(NetlinkMessage message) { return begin(std::move(message), NLM_F_DUMP); }
  std::optional<NetlinkAnswer> continue_dump(const std::function<void(const nlmsghdr&)>& each);

 private:
  explicit NetlinkSocket(nl_sock* socket);
  int fd() const;
  int send(const std::vector<NetlinkMessage>& messages, std::size_t first, std::size_t count);
  int begin(NetlinkMessage message, int flags);
  NetlinkAnswer converse(NetlinkMessage message, int flags, const std::function<void(const nlmsghdr&)>& each);
  void receive_answers(std::uint32_t first_sequence, std::vector<NetlinkAnswer>& answers, std::size_t first,
                       std::size_t count);

  struct Free {
    void operator()(nl_sock* socket) const;
  };
  std::unique_ptr<nl_sock, Free> socket_;
  std::uint32_t next_sequence_ = 1;
  std::uint32_t conversation_ = 0;  // the sequence number of what begin() asked
  bool interrupted_ = false;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace starling::daemon
