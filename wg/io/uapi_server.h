// Serves the configuration protocol of one interface to `wg` and its like (uapi_message.h), for whoever owns that
// interface: starling-wg and starlingd. With wg/io/backend.h the header of wg that daemon/ includes.
//
// Invariant: nothing here waits, and nothing that a client does makes more than a bounded amount of work or memory: so
// many connections, so many bytes of a request, one answer at a time, and so many seconds for either. One thread only.
#pragma once

#include <cerrno>
#include <memory>
#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "wg/io/uapi_message.h"

namespace starling::wg {

inline constexpr std::size_t kUapiConnectionsMax = 64;
inline constexpr std::size_t kUapiPendingMax = 2 * kUapiRequestMax;           // bytes of all unfinished requests
inline constexpr Duration kUapiRequestTime = std::chrono::seconds(10);        // from its first byte to its last
inline constexpr Duration kUapiAnswerTime = std::chrono::seconds(10);         // without the client's taking any
inline constexpr Duration kUapiIdleTimeMin = std::chrono::milliseconds(100);  // before it makes room for another

struct BackendStatus;
struct PeerStatus;

// What a backend says of a peer and of drops, for the answers. The owner of the interface adds what only it knows: the
// preshared key and the allowed IPs.
UapiPeer describe_peer(const PeerStatus& status);
UapiDrops describe_drops(const BackendStatus& status);

// The interface that is configured.
class UapiTarget {
 public:
  virtual ~UapiTarget() = default;

  virtual UapiDevice read() = 0;
  virtual UapiDrops drops() = 0;
  // 0, or a positive errno; then nothing has changed, as far as the system allows.
  virtual int apply(const UapiChange& change) = 0;
  // 0, or a positive errno. The stream is the client's connection; options.greeting goes first into it.
  virtual int start_capture(FileDescriptor, const CaptureOptions&) { return EOPNOTSUPP; }
  // After one or several apply(), before they are answered: what is better done once for all of them.
  virtual void settle() {}
  // A request was answered with this errno, for the log. `reason` is empty where this target refused.
  virtual void on_refused(int error, const std::string& reason) = 0;
};

class UapiServer {
 public:
  // `target` must outlive the server. In `directory`, which is made if it is missing.
  static Result<std::unique_ptr<UapiServer>> open(const std::string& interface, UapiTarget& target);
  static Result<std::unique_ptr<UapiServer>> open(const std::string& interface, UapiTarget& target,
                                                  const std::string& directory);
  // A listening socket that was handed in (WG_UAPI_FD).
  static Result<std::unique_ptr<UapiServer>> adopt(FileDescriptor listener, UapiTarget& target);
  ~UapiServer();  // removes the socket file
  UapiServer(const UapiServer&) = delete;
  UapiServer& operator=(const UapiServer&) = delete;

  int fd() const;  // polls readable when handle() has something to do
  void handle();   // does a bounded part of it
  // Someone deleted the socket file, and so asked the interface's owner to end.
  bool removed() const;

 private:
  class Impl;
  explicit UapiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling::wg
