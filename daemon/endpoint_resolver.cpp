#include "daemon/endpoint_resolver.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/file_descriptor.h"

namespace starling::daemon {

// Outlives the resolver while a question is under way: the thread is left to itself then.
struct EndpointResolver::Shared {
  struct Question {
    std::uint32_t number;
    std::string host;
    std::uint16_t port;
  };
  FileDescriptor event = checked_descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::deque<Question> questions;
  std::vector<Answer> answers;

  void run();
};

namespace {

Endpoint endpoint_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return {IpAddress::from_bytes(Bytes(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr), 4)), ntohs(v4.sin_port),
            0};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return {IpAddress::from_bytes(Bytes(reinterpret_cast<const std::uint8_t*>(&v6.sin6_addr), 16)), ntohs(v6.sin6_port),
          v6.sin6_scope_id};
}

EndpointResolver::Answer resolve(std::uint32_t number, const std::string& host, std::uint16_t port) {
  EndpointResolver::Answer answer;
  answer.question = number;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
    answer.error = gai_strerror(error);
    return answer;
  }
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    const Endpoint endpoint = endpoint_of(*at->ai_addr);
    if (std::find(answer.endpoints.begin(), answer.endpoints.end(), endpoint) == answer.endpoints.end())
      answer.endpoints.push_back(endpoint);
  }
  freeaddrinfo(found);
  if (answer.endpoints.empty()) answer.error = "the name has no address";
  return answer;
}

}  // namespace

void EndpointResolver::Shared::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    wake.wait(lock, [this] { return stopping || !questions.empty(); });
    if (stopping) return;
    const Question question = std::move(questions.front());
    questions.pop_front();
    lock.unlock();
    Answer answer = resolve(question.number, question.host, question.port);
    lock.lock();
    answers.push_back(std::move(answer));
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written =
        write(event.get(), &one, sizeof one);  // a full counter polls readable already
  }
}

EndpointResolver::EndpointResolver() : shared_(std::make_shared<Shared>()) {
  std::thread([shared = shared_] { shared->run(); }).detach();
}

EndpointResolver::~EndpointResolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stopping = true;
  shared_->wake.notify_one();
}

void EndpointResolver::ask(std::uint32_t question, const std::string& host, std::uint16_t port) {
  const std::lock_guard lock(shared_->mutex);
  shared_->questions.push_back({question, host, port});
  shared_->wake.notify_one();
}

int EndpointResolver::fd() const {
  return shared_->event.get();
}

std::vector<EndpointResolver::Answer> EndpointResolver::take_answers() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(shared_->event.get(), &count, sizeof count);
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->answers, {});
}

}  // namespace starling::daemon
