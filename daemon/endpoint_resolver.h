// Host names to addresses, off the loop: getaddrinfo(3) may take half a minute, and no Hello waits for it. One thread,
// one question at a time; answers are fetched from the owner's thread when fd() polls readable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"

namespace starling::daemon {

class EndpointResolver {
 public:
  struct Answer {
    std::uint32_t question = 0;
    std::vector<Endpoint> endpoints;  // in the resolver's order of preference (RFC 6724); empty if there is none
    std::string error;                // why there is none
  };

  EndpointResolver();   // std::system_error if there can be no thread
  ~EndpointResolver();  // does not wait for a question under way
  EndpointResolver(const EndpointResolver&) = delete;
  EndpointResolver& operator=(const EndpointResolver&) = delete;

  void ask(std::uint32_t question, const std::string& host, std::uint16_t port);
  int fd() const;
  std::vector<Answer> take_answers();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace starling::daemon
