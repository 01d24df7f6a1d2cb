// Where each peer is to be looked for while it does not answer: its configured address, or the addresses of its
// configured name, asked for again and tried in turn. A peer that answers is left where it is (WireGuard's roaming
// follows it). Sans-I/O: time and the resolver's answers come in, questions and endpoints go out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "daemon/config/config.h"
#include "wg/tables.h"

namespace starling::daemon {

inline constexpr Duration kEndpointRetryMin = std::chrono::seconds(2);  // doubled with each try
inline constexpr Duration kEndpointRetryMax = std::chrono::seconds(60);

class PeerEndpoints {
 public:
  struct Question {
    wg::PeerId peer;
    HostPort host;
  };
  struct Setting {
    wg::PeerId peer;
    Endpoint endpoint;
  };

  void add(wg::PeerId peer, const HostPort& host, Time now);
  // A peer that answers needs nothing; one that ceases to is looked for from `now` on.
  void set_answering(wg::PeerId peer, bool answering, Time now);

  // Someone else says from now on where this peer is.
  void forget(wg::PeerId peer);

  // What is due: names to resolve, and addresses (of peers without a name) to be set again.
  struct Due {
    std::vector<Question> questions;
    std::vector<Setting> settings;
  };
  Due on_timer(Time now);
  Time next_deadline() const;

  // An answer to a question: which endpoint to try now. Nothing if there is no address or the peer answers by now.
  std::optional<Endpoint> on_resolved(wg::PeerId peer, const std::vector<Endpoint>& endpoints);

  const HostPort* configured(wg::PeerId peer) const;

 private:
  struct Entry {
    HostPort host;
    bool answering = false;
    bool asked = false;  // a question is under way
    std::uint32_t tries = 0;
    Duration wait = kEndpointRetryMin;
    Time next{};
  };
  std::map<wg::PeerId, Entry> entries_;
};

}  // namespace starling::daemon
