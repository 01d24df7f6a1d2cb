// A batch of data messages on the way in: what the ciphers' thread works through, whichever that is. Each is opened
// where it was received.
#pragma once

#include <cstddef>
#include <vector>

#include "wg/io/datagram_receiver.h"
#include "wg/io/workers.h"
#include "wg/protocol/session.h"

namespace starling::wg {

class OpenWork final : public Work {
 public:
  static constexpr std::size_t kMessagesMax = 64;

  struct Message {
    const SessionPtr* session;  // where the table has it: valid while no session is retired
    const ReceivedDatagrams* arrival;
    std::size_t size;  // bytes, of the datagram
  };

  OpenWork() {
    jobs_.reserve(kMessagesMax);
    messages_.reserve(kMessagesMax);
  }

  void add(const Message& message, const AeadJob& job) {
    messages_.push_back(message);
    jobs_.push_back(job);
  }
  bool empty() const { return jobs_.empty(); }
  bool is_full() const { return jobs_.size() == kMessagesMax; }

  // After it was finished: each message with its job, in the order in which they came; empty again afterwards.
  template <typename Function>
  void take(Function function) {
    for (std::size_t i = 0; i < jobs_.size(); ++i) function(messages_[i], jobs_[i]);
    messages_.clear();
    jobs_.clear();
  }

 private:
  void run(PacketAead& aead) override { aead.open(jobs_); }

  std::vector<Message> messages_;
  std::vector<AeadJob> jobs_;
};

}  // namespace starling::wg
