// One client of the UAPI socket: bytes in, operations carried out, answers out, without waiting. Invariant: while an
// answer is on its way, nothing more is read, so a client that does not listen fills nothing but its own socket.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/time.h"
#include "wg/io/uapi_message.h"
#include "wg/io/uapi_server.h"

namespace starling::wg {

class UapiConnection {
 public:
  UapiConnection(Time now, FileDescriptor socket);
  UapiConnection(const UapiConnection&) = delete;
  UapiConnection& operator=(const UapiConnection&) = delete;
  ~UapiConnection();

  int fd() const { return socket_.get(); }

  // The socket polls ready: reads some and carries it out. Answers wait for flush(). True if something was changed.
  bool work(Time now, UapiTarget& target);
  // Sends of the answers what the socket takes.
  void flush(Time now);
  // Answers with this errno what has not come completely, and hears no more.
  void refuse(int error);

  bool finished() const;                 // nothing more will come of it
  bool wants_to_write() const;           // else it wants to read
  std::optional<Time> deadline() const;  // when the client has had its time; none while it is idle
  bool idle_since(Time moment) const;    // neither asked nor owed anything since then
  Time last_active() const { return active_; }
  std::size_t pending_size() const { return parser_.request_size(); }  // bytes of an unfinished request

 private:
  bool has_input() const { return input_begin_ < input_end_; }
  void receive();
  bool carry_out(UapiTarget& target);
  bool answer(UapiRequest request, UapiTarget& target);
  void hand_over_to_capture(UapiRequest& request, UapiTarget& target);
  void append(std::string text);
  void drop_output();

  FileDescriptor socket_;
  UapiParser parser_;
  std::vector<char> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::string output_;
  std::size_t sent_ = 0;
  Time active_;
  std::optional<Time> begun_;  // of an unfinished request
  bool closing_ = false;       // when the output is gone
  bool broken_ = false;        // the socket
};

}  // namespace starling::wg
