// The server on a real socket in a folder of its own, with a target that only remembers.
#include "wg/io/uapi_server.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/system.h"
#include "wg/io/uapi_connection.h"
#include "wg/io/uapi_socket.h"

using namespace starling;
using namespace starling::wg;

namespace {

class Target final : public UapiTarget {
 public:
  UapiDevice read() override { return device; }
  UapiDrops drops() override { return {}; }
  int apply(const UapiChange& change) override {
    applied++;
    if (change.listen_port) device.listen_port = *change.listen_port;
    for (const UapiPeerChange& from : change.peers) {
      UapiPeer& peer = device.peers.emplace_back();
      peer.public_key = from.public_key;
      for (const UapiAllowedIp& allowed_ip : from.allowed_ips) peer.allowed_ips.push_back(allowed_ip.prefix);
    }
    return answer;
  }
  int start_capture(FileDescriptor stream, const CaptureOptions& options) override {
    if (answer != 0) return answer;
    REQUIRE(::send(stream.get(), options.greeting.data(), options.greeting.size(), MSG_NOSIGNAL) > 0);
    capture = std::move(stream);
    return 0;
  }
  void settle() override { settled++; }
  void on_refused(int error, const std::string& reason) override { refused.push_back({error, reason}); }

  UapiDevice device;
  FileDescriptor capture;
  int applied = 0;
  int settled = 0;
  int answer = 0;
  std::vector<std::pair<int, std::string>> refused;
};

class Folder {
 public:
  Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Folder() {
    ::unlink(socket().c_str());
    ::rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }
  std::string socket() const { return path_ + "/wg9.sock"; }

 private:
  std::string path_ = "/tmp/uapi-test-XXXXXX";
};

FileDescriptor connect_to(const std::string& path) {
  FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) client.reset();
  return client;
}

struct Fixture {
  Folder folder;
  Target target;
  std::unique_ptr<UapiServer> server;

  Fixture() {
    auto opened = UapiServer::open("wg9", target, folder.path());
    REQUIRE(opened.ok());
    server = std::move(*opened);
  }

  // Lets the server work until it is at rest; `wait_ms` for what is still to come.
  void serve(int wait_ms = 0) {
    pollfd waiting{server->fd(), POLLIN, 0};
    for (int turns = 0; ::poll(&waiting, 1, wait_ms) > 0; turns++) {
      REQUIRE(turns < 10000);
      server->handle();
    }
  }
  // Reads until the server closes, or the answers so far have come.
  std::string hear(const FileDescriptor& client) {
    std::string text;
    for (;;) {
      serve();
      char chunk[65536];
      const ssize_t got = ::recv(client.get(), chunk, sizeof chunk, 0);
      if (got <= 0) return text;
      text.append(chunk, static_cast<std::size_t>(got));
    }
  }
  void say(const FileDescriptor& client, std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return;
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
      serve();
    }
  }
  std::string ask(const std::string& text) {
    const FileDescriptor client = connect_to(folder.socket());
    REQUIRE(client.valid());
    say(client, text);
    return hear(client);
  }
  bool closed(const FileDescriptor& client) {
    serve();
    char byte;
    return ::recv(client.get(), &byte, 1, 0) == 0;
  }
};

const std::string kPeerLine = "public_key=" + std::string(64, 'a') + "\n";

}  // namespace

TEST_CASE("operations follow one another on one connection") {
  Fixture fixture;
  const FileDescriptor client = connect_to(fixture.folder.socket());
  fixture.say(client, "get=1\n\n");
  CHECK(fixture.hear(client) == "errno=0\n\n");
  fixture.say(client, "set=1\nlisten_port=7\n\n");
  CHECK(fixture.hear(client) == "errno=0\n\n");
  fixture.say(client, "set=1\nlisten_port=x\n\nget=1\n\nget=1\n\n");
  CHECK(fixture.hear(client) == "errno=-22\n\nlisten_port=7\nerrno=0\n\nlisten_port=7\nerrno=0\n\n");
  REQUIRE(fixture.target.refused.size() == 1);
  CHECK(fixture.target.refused[0].first == EINVAL);
  CHECK(fixture.target.settled == fixture.target.applied);
}

TEST_CASE("changes that came together are settled together, before they are answered") {
  Fixture fixture;
  std::string text;
  for (int i = 0; i < 40; i++) text += "set=1\n\n";
  CHECK(fixture.ask(text).size() == 40 * std::string("errno=0\n\n").size());
  CHECK(fixture.target.applied == 40);
  CHECK(fixture.target.settled == 1);
}

TEST_CASE("a capture has the connection for itself, and the server no more to do with it") {
  Fixture fixture;
  const FileDescriptor client = connect_to(fixture.folder.socket());
  fixture.say(client, "get=1\n\n");
  CHECK(fixture.hear(client) == "errno=0\n\n");
  fixture.say(client, "capture=1\ndropped=true\n\n");
  CHECK(fixture.hear(client) == "errno=0\n\n");
  REQUIRE(fixture.target.capture.valid());
  fixture.say(client, "get=1\n\n");  // whoever has the capture may make of it what he likes
  CHECK(fixture.hear(client).empty());
  CHECK_FALSE(fixture.closed(client));
  CHECK(::send(fixture.target.capture.get(), "file", 4, MSG_NOSIGNAL) == 4);
  CHECK(fixture.hear(client) == "file");
  char rest[16];
  CHECK(::recv(fixture.target.capture.get(), rest, sizeof rest, MSG_DONTWAIT) == 7);
  fixture.target.capture.reset();
  CHECK(fixture.closed(client));
}

TEST_CASE("a capture that is refused, or comes amid other answers, leaves the client a client") {
  Fixture fixture;
  CHECK(fixture.ask("get=1\n\ncapture=1\n\nget=1\n\n") == "errno=0\n\nerrno=-16\n\nerrno=0\n\n");
  fixture.target.answer = EOPNOTSUPP;
  const FileDescriptor client = connect_to(fixture.folder.socket());
  fixture.say(client, "capture=1\n\n");
  CHECK(fixture.hear(client) == "errno=-95\n\n");
  fixture.say(client, "get=1\n\n");
  CHECK(fixture.hear(client) == "errno=0\n\n");
  CHECK_FALSE(fixture.target.capture.valid());
}

TEST_CASE("what the target refuses is answered with its errno") {
  Fixture fixture;
  fixture.target.answer = EPERM;
  CHECK(fixture.ask("set=1\nlisten_port=7\n\n") == "errno=-1\n\n");
}

TEST_CASE("a request that ends before its end changes nothing and is not answered") {
  Fixture fixture;
  const FileDescriptor client = connect_to(fixture.folder.socket());
  fixture.say(client, "set=1\nlisten_port=7\n");
  ::shutdown(client.get(), SHUT_WR);
  CHECK(fixture.hear(client).empty());
  CHECK(fixture.closed(client));
  CHECK(fixture.target.applied == 0);
}

TEST_CASE("a client that closes its writing side still gets its answer") {
  Fixture fixture;
  const FileDescriptor client = connect_to(fixture.folder.socket());
  REQUIRE(::send(client.get(), "get=1\n\n", 7, 0) == 7);
  ::shutdown(client.get(), SHUT_WR);
  CHECK(fixture.hear(client) == "errno=0\n\n");
  CHECK(fixture.closed(client));
}

TEST_CASE("130,560 allowed IPs go in with one request and come back") {
  Fixture fixture;
  std::string lines;
  for (int i = 0; i < 65280; i++) {
    lines += "allowed_ip=" +
             Prefix::host(IpAddress::v4({10, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i), 1}))
                 .to_string() +
             "\n";
    lines += "allowed_ip=fd00:1234:5678:9abc:def0:1234:" +
             to_hex(std::vector<std::uint8_t>{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}) +
             ":1/128\n";
  }
  CHECK(fixture.ask("set=1\n" + kPeerLine + lines + "\n") == "errno=0\n\n");
  REQUIRE(fixture.target.device.peers.size() == 1);
  CHECK(fixture.target.device.peers[0].allowed_ips.size() == 130560);
  const std::string answer = fixture.ask("get=1\n\n");
  CHECK(answer.ends_with("errno=0\n\n"));
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answer.find("\nallowed_ip=", at)) != std::string::npos; at++) count++;
  CHECK(count == 130560);
}

TEST_CASE("a client that does not listen is owed one answer and holds up nobody") {
  Fixture fixture;
  fixture.target.device.peers.resize(5000);  // more than a socket holds
  const FileDescriptor deaf = connect_to(fixture.folder.socket());
  std::string requests;
  for (int i = 0; i < 1000; i++) requests += "get=1\n\n";
  REQUIRE(::send(deaf.get(), requests.data(), requests.size(), 0) > 0);
  fixture.serve();
  CHECK(fixture.ask("get=1\n\n").ends_with("errno=0\n\n"));
  fixture.serve();  // comes to rest, with 999 requests unread
  pollfd answered{deaf.get(), POLLIN, 0};
  CHECK(::poll(&answered, 1, 0) == 1);
}

TEST_CASE("binary garbage is answered with an errno or closed, whatever it is") {
  Fixture fixture;
  std::mt19937 random(1);
  for (int i = 0; i < 300; i++) {
    std::string garbage(8 + random() % 3000, '\0');
    for (char& c : garbage) c = static_cast<char>(random());
    garbage[0] = 1;  // no blank line, which would end a request
    const FileDescriptor client = connect_to(fixture.folder.socket());
    fixture.say(client, (i % 2 == 0 ? "set=1\n" : "") + garbage + "\n\n");
    const std::string answer = fixture.hear(client);
    CHECK((answer.starts_with("errno=-") || fixture.closed(client)));
  }
  CHECK(fixture.target.applied == 0);
  CHECK(fixture.ask("get=1\n\n") == "errno=0\n\n");
}

TEST_CASE("a thousand connections do not keep out the next one") {
  Fixture fixture;
  std::vector<FileDescriptor> crowd;
  for (int i = 0; i < 1000; i++) {
    FileDescriptor client = connect_to(fixture.folder.socket());
    while (!client.valid()) {  // the kernel's queue is full until idle ones have made room
      fixture.serve(10);
      client = connect_to(fixture.folder.socket());
    }
    crowd.push_back(std::move(client));
    fixture.serve();
  }
  const FileDescriptor client = connect_to(fixture.folder.socket());
  REQUIRE(client.valid());
  fixture.say(client, "get=1\n\n");
  std::string answer;
  for (int i = 0; i < 1000 && answer.empty(); i++) {
    fixture.serve(10);
    answer = fixture.hear(client);
  }
  CHECK(answer == "errno=0\n\n");
  std::size_t open = 0;
  for (const FileDescriptor& one : crowd) open += fixture.closed(one) ? 0 : 1;
  CHECK(open <= kUapiConnectionsMax);
}

TEST_CASE("all unfinished requests together have a limit") {
  Fixture fixture;
  const std::string line = "protocol_version=1\n";
  std::string lines;
  while (lines.size() < (1u << 20)) lines += line;
  std::vector<FileDescriptor> clients;
  std::size_t refused = 0;
  for (int i = 0; i < 3; i++) {
    clients.push_back(connect_to(fixture.folder.socket()));
    fixture.say(clients.back(), "set=1\n" + kPeerLine);
    for (std::size_t said = 0; said + lines.size() < kUapiRequestMax; said += lines.size())
      fixture.say(clients.back(), lines);
  }
  for (const FileDescriptor& client : clients) refused += fixture.hear(client) == "errno=-105\n\n" ? 1 : 0;
  CHECK(refused == 1);
}

TEST_CASE("the socket file is its owner's alone, and goes with the server") {
  Fixture fixture;
  struct stat status {};
  REQUIRE(::lstat(fixture.folder.socket().c_str(), &status) == 0);
  CHECK(S_ISSOCK(status.st_mode));
  CHECK((status.st_mode & 0777) == 0700);
  fixture.server.reset();
  CHECK(::lstat(fixture.folder.socket().c_str(), &status) < 0);
}

TEST_CASE("a socket file in use is an error, a stale one is replaced, another file is left alone") {
  Fixture fixture;
  const auto second = UapiServer::open("wg9", fixture.target, fixture.folder.path());
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().message.find("in use") != std::string::npos);
  CHECK(fixture.ask("get=1\n\n") == "errno=0\n\n");

  const std::string kept = fixture.folder.socket() + ".kept";
  REQUIRE(::link(fixture.folder.socket().c_str(), kept.c_str()) == 0);
  fixture.server.reset();
  REQUIRE(::rename(kept.c_str(), fixture.folder.socket().c_str()) == 0);  // as after a crash
  auto third = UapiServer::open("wg9", fixture.target, fixture.folder.path());
  REQUIRE(third.ok());
  fixture.server = std::move(*third);
  CHECK(fixture.ask("get=1\n\n") == "errno=0\n\n");

  fixture.server.reset();
  FileDescriptor(::open(fixture.folder.socket().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  CHECK_FALSE(UapiServer::open("wg9", fixture.target, fixture.folder.path()).ok());
}

// wg(8) removes one that refuses, as left behind: the interface would be out of everybody's reach.
TEST_CASE("whoever finds the socket file finds somebody listening") {
  const Folder folder;
  std::atomic<bool> ended = false;
  std::atomic<unsigned> accepted = 0;
  unsigned refused = 0;
  std::thread visitor([&] {
    while (!ended) {
      errno = 0;
      if (connect_to(folder.socket())) {
        ++accepted;
      } else {
        refused += errno == ECONNREFUSED;
      }
    }
  });
  for (unsigned round = 0; round < 20'000 && accepted < 200; ++round) {
    auto socket = UapiSocket::open("wg9", folder.path());
    REQUIRE(socket.ok());
    (void)::unlink(folder.socket().c_str());  // before it is closed: what nobody listens at any more does refuse
  }
  ended = true;
  visitor.join();
  CHECK(accepted >= 200);
  CHECK(refused == 0);
}

TEST_CASE("a removed socket file is noticed at once, and another's in its place is not removed") {
  Fixture fixture;
  fixture.serve();
  CHECK_FALSE(fixture.server->removed());
  REQUIRE(::unlink(fixture.folder.socket().c_str()) == 0);
  fixture.serve();
  CHECK(fixture.server->removed());
  auto successor = UapiServer::open("wg9", fixture.target, fixture.folder.path());
  REQUIRE(successor.ok());
  fixture.server.reset();
  CHECK(::access(fixture.folder.socket().c_str(), F_OK) == 0);
}

TEST_CASE("a listening socket that is handed in is served, and nothing else is") {
  Target target;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const FileDescriptor one(ends[0]);
  CHECK_FALSE(UapiServer::adopt(FileDescriptor(ends[1]), target).ok());

  const std::string path = "/tmp/uapi-test-" + std::to_string(::getpid());
  FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 5) == 0);
  auto server = UapiServer::adopt(std::move(listener), target);
  REQUIRE(server.ok());
  const FileDescriptor client = connect_to(path);
  REQUIRE(::send(client.get(), "get=1\n\n", 7, 0) == 7);
  (*server)->handle();
  (*server)->handle();
  char answer[64];
  CHECK(::recv(client.get(), answer, sizeof answer, 0) == 9);
  ::unlink(path.c_str());
  (*server)->handle();
  CHECK((*server)->removed());
}

TEST_CASE("a client has a time for its request and for taking the answer, and none while it is idle") {
  Target target;
  target.device.peers.resize(5000);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  const FileDescriptor client(ends[0]);
  const Time start{std::chrono::seconds(100)};
  UapiConnection connection(start, FileDescriptor(ends[1]));
  CHECK_FALSE(connection.deadline());
  CHECK(connection.idle_since(start));

  REQUIRE(::send(client.get(), "get=1", 5, 0) == 5);
  connection.work(start + std::chrono::seconds(1), target);
  CHECK(connection.deadline() == start + std::chrono::seconds(1) + kUapiRequestTime);
  CHECK_FALSE(connection.idle_since(kNever));
  connection.work(start + std::chrono::seconds(5), target);  // nothing new: the time goes on
  CHECK(connection.deadline() == start + std::chrono::seconds(1) + kUapiRequestTime);

  REQUIRE(::send(client.get(), "\n\n", 2, 0) == 2);
  connection.work(start + std::chrono::seconds(6), target);
  connection.flush(start + std::chrono::seconds(6));
  CHECK(connection.wants_to_write());
  CHECK(connection.deadline() == start + std::chrono::seconds(6) + kUapiAnswerTime);
  std::vector<char> sink(1 << 20);
  REQUIRE(::recv(client.get(), sink.data(), sink.size(), 0) > 0);
  connection.flush(start + std::chrono::seconds(9));  // some was taken: time for the rest
  CHECK(connection.deadline() == start + std::chrono::seconds(9) + kUapiAnswerTime);
  while (connection.wants_to_write()) {
    (void)!::recv(client.get(), sink.data(), sink.size(), 0);
    connection.flush(start + std::chrono::seconds(10));
  }
  CHECK_FALSE(connection.deadline());
  CHECK(connection.idle_since(start + std::chrono::seconds(10)));
}
