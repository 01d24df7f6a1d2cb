// Server and client over a real socket in a directory of the test's own. The server's io_context runs in the test's
// one thread, between the client's steps, so nothing sleeps and nothing races.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/control/client.h"
#include "daemon/control/server.h"
#include "tests/unit/daemon/temporary_directory.h"

using namespace starling;
using namespace starling::daemon;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const Now kNow{Time(5s), WallTime(1769860800s)};

// A client that says whatever it likes.
class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  // As much as the socket takes.
  std::size_t send(std::string_view bytes) {
    const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return size < 0 ? 0 : static_cast<std::size_t>(size);
  }
  void end_sending() { shutdown(fd_, SHUT_WR); }
  // What has come; sets ended() at the end of the stream.
  std::string receive() {
    std::string all;
    char chunk[65536];
    ssize_t size;
    while ((size = recv(fd_, chunk, sizeof chunk, 0)) > 0) all.append(chunk, static_cast<std::size_t>(size));
    ended_ = size == 0 || (size < 0 && errno != EAGAIN);
    return all;
  }
  bool ended() const { return ended_; }

 private:
  int fd_;
  bool connected_ = false;
  bool ended_ = false;
};

struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory / "run/star0.sock";
  boost::asio::io_context io;
  EventLog log{"a"};
  FileDescriptor taken_over;
  std::string answer_of_capture;
  std::unique_ptr<ControlServer> server = open();

  std::unique_ptr<ControlServer> open() {
    auto opened = ControlServer::open(
        io, path,
        [](const json& request) -> Result<json> {
          if (request["command"] != "show") return Error{"unknown command"};
          if (request.value("what", "") == "large") return json(std::string(3'000'000, 'x'));
          return json{{"asked", request.value("what", "")}};
        },
        log,
        [this](const json& request, FileDescriptor stream, std::string answer) -> std::optional<Error> {
          if (request.value("dropped", false)) return Error{"not now"};
          taken_over = std::move(stream);
          answer_of_capture = std::move(answer);
          return std::nullopt;
        });
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message));
    return std::move(opened).value();
  }

  // Lets the server do all that it can do now.
  void serve() {
    io.restart();
    io.poll();
  }

  // Everything that the client gets until nothing more comes.
  std::string converse(RawClient& client, std::string_view words) {
    std::string all;
    do {
      words.remove_prefix(words.empty() ? 0 : client.send(words));
      serve();
      const std::string more = client.receive();
      all += more;
      if (more.empty() && words.empty()) return all;
    } while (!client.ended());
    return all;
  }

  json ask(RawClient& client, std::string_view words) { return json::parse(converse(client, words)); }
};

const std::string kStatus = R"({"command":"show","what":"status"})"
                            "\n";

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::size_t start = 0;
  for (std::size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    lines.push_back(json::parse(text.substr(start, end - start)));
  }
  CHECK(start == text.size());  // nothing but whole lines
  return lines;
}

// Runs the server in a thread of its own, for clients that block.
struct Running {
  explicit Running(Fixture& of) : fixture(of), work(of.io.get_executor()), thread([this] { fixture.io.run(); }) {}
  ~Running() {
    work.reset();
    fixture.io.stop();
    thread.join();
  }
  Fixture& fixture;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  std::thread thread;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "A request is answered on one line") {
  RawClient client(path);
  CHECK(converse(client, kStatus) == "{\"ok\":true,\"result\":{\"asked\":\"status\"}}\n");
}

TEST_CASE_FIXTURE(Fixture, "Requests written together, or byte by byte, are answered in order") {
  RawClient client(path);
  const std::string two = R"({"command":"show","what":"a"})"
                          "\n"
                          R"({"command":"show","what":"b"})"
                          "\n";
  const auto together = lines_of(converse(client, two));
  REQUIRE(together.size() == 2);
  CHECK(together[0]["result"]["asked"] == "a");
  CHECK(together[1]["result"]["asked"] == "b");
  std::string answers;
  for (const char byte : two) answers += converse(client, std::string(1, byte));
  CHECK(lines_of(answers) == together);
}

TEST_CASE_FIXTURE(Fixture, "The handler's error is the answer, and the connection stays open") {
  RawClient client(path);
  CHECK(converse(client, "{\"command\":\"dance\"}\n") == "{\"error\":\"unknown command\",\"ok\":false}\n");
  CHECK(ask(client, kStatus)["ok"] == true);
}

TEST_CASE_FIXTURE(Fixture, "A capture makes the connection someone else's, who sends the answer too") {
  RawClient client(path);
  CHECK(converse(client, "{\"command\":\"capture\"}\n").empty());
  CHECK_FALSE(client.ended());
  CHECK(server->connections() == 0);
  CHECK(answer_of_capture == "{\"ok\":true}\n");
  REQUIRE(taken_over.valid());
  REQUIRE(::write(taken_over.get(), "bytes", 5) == 5);
  CHECK(client.receive() == "bytes");
  taken_over.reset();
  CHECK(client.receive().empty());
  CHECK(client.ended());
}

TEST_CASE_FIXTURE(Fixture, "A capture that is refused leaves the client a client") {
  RawClient client(path);
  CHECK(converse(client, "{\"command\":\"capture\",\"dropped\":true}\n") == "{\"error\":\"not now\",\"ok\":false}\n");
  CHECK(ask(client, kStatus)["ok"] == true);
  CHECK_FALSE(taken_over.valid());
}

TEST_CASE_FIXTURE(Fixture, "What comes in the wake of a capture's answer is all read, byte by byte") {
  std::thread engine([this] {
    while (!taken_over.valid()) {
      io.restart();
      io.run_for(1ms);
    }
    const std::string all = answer_of_capture + std::string(200'000, 'x');
    for (std::size_t at = 0; at < all.size();) {
      const ssize_t size = ::send(taken_over.get(), all.data() + at, all.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size > 0) at += static_cast<std::size_t>(size);
    }
    taken_over.reset();
  });
  Result<ControlClient> client = ControlClient::connect(path);
  REQUIRE(client.ok());
  CHECK(client->request({{"command", "capture"}}).ok());
  std::size_t total = 0;
  while (true) {
    const Result<std::string> bytes = client->next_bytes();
    REQUIRE(bytes.ok());
    if (bytes->empty()) break;
    total += bytes->size();
  }
  engine.join();
  CHECK(total == 200'000);
}

TEST_CASE_FIXTURE(Fixture, "Garbage is answered by what would be right, and the connection stays open") {
  RawClient client(path);
  const std::string binary{"\x00\xff\xfe{\x80\n", 6};
  for (const std::string& garbage :
       {std::string("\n"), std::string("hello\n"), std::string("[]\n"), std::string("\"show\"\n"), std::string("{}\n"),
        std::string("{\"command\":7}\n"), std::string("{\"command\":\"watch\",\"replay\":1}\n"), binary,
        std::string(60'000, '[') + '\n', std::string("{\"command\":\"show\"\n")}) {
    const json answer = ask(client, garbage);
    CHECK(answer["ok"] == false);
    CHECK(answer["error"].get<std::string>().size() > 10);
  }
  CHECK(ask(client, kStatus)["ok"] == true);
}

TEST_CASE_FIXTURE(Fixture, "A line of exactly the limit is taken; a longer one is refused and ends the connection") {
  const auto padded = [](std::size_t size) {
    const std::string line = R"({"command":"show","what":"a"})";
    return line + std::string(size - line.size() - 1, ' ') + '\n';
  };
  RawClient client(path);
  CHECK(ask(client, padded(kControlLineMax))["ok"] == true);
  CHECK(ask(client, padded(kControlLineMax + 1))["ok"] == false);
  CHECK(client.ended());
  RawClient endless(path);
  CHECK(ask(endless, std::string(200'000, 'x'))["ok"] == false);
  CHECK(endless.ended());
  CHECK(server->connections() == 0);
}

TEST_CASE_FIXTURE(Fixture, "A last request without a newline is served when the client closes its sending side") {
  RawClient client(path);
  client.send(R"({"command":"show","what":"half"})");
  client.end_sending();
  CHECK(ask(client, "")["result"]["asked"] == "half");
  CHECK(client.ended());
}

TEST_CASE_FIXTURE(Fixture, "Half a request and then the end is an error for that client and nobody else") {
  {
    RawClient client(path);
    client.send(R"({"command":"sh)");
    serve();
    CHECK(server->connections() == 1);
  }
  serve();
  CHECK(server->connections() == 0);
  RawClient next(path);
  CHECK(ask(next, kStatus)["ok"] == true);
}

TEST_CASE_FIXTURE(Fixture, "A client that asks and never reads is not asked for more, and does not stop the others") {
  RawClient rude(path);
  const std::string large = R"({"command":"show","what":"large"})"
                            "\n";
  for (int i = 0; i < 20; ++i) {
    rude.send(large);
    serve();
  }
  RawClient polite(path);
  CHECK(ask(polite, kStatus)["ok"] == true);
  std::size_t received = 0;
  for (std::string more; !(more = converse(rude, "")).empty();) received += more.size();
  CHECK(received % 3'000'024 == 0);  // whole answers only
  CHECK(received > 3'000'000);
}

TEST_CASE_FIXTURE(Fixture, "Sixty-four clients are served, more are told why not, and a place that is left is free") {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<RawClient>(path));
    REQUIRE(clients.back()->connected());
    serve();
  }
  CHECK(server->connections() == kControlConnectionsMax);
  std::size_t served = 0;
  std::size_t refused = 0;
  for (auto& client : clients) {
    const json answer = ask(*client, kStatus);
    (answer["ok"] == true ? served : refused) += 1;
    if (answer["ok"] == false) CHECK(answer["error"].get<std::string>().find("too many") == 0);
  }
  CHECK(served == kControlConnectionsMax);
  CHECK(refused == 100 - kControlConnectionsMax);
  clients.clear();
  serve();
  CHECK(server->connections() == 0);
  RawClient next(path);
  CHECK(ask(next, kStatus)["ok"] == true);
}

TEST_CASE_FIXTURE(Fixture, "A watcher is told every event from its request on") {
  RawClient client(path);
  log.publish(EventLevel::info, "before", {}, kNow);
  CHECK(converse(client, "{\"command\":\"watch\"}\n") == "{\"ok\":true}\n");
  log.publish(EventLevel::debug, "first", {}, kNow);
  log.publish(EventLevel::info, "second", {}, kNow);
  const auto events = lines_of(converse(client, ""));
  REQUIRE(events.size() == 2);
  CHECK(events[0]["event"] == "first");
  CHECK(events[1]["event"] == "second");
}

TEST_CASE_FIXTURE(Fixture, "Replay begins with what is remembered, and nothing is missing or double after it") {
  for (std::size_t i = 0; i < kRememberedEvents + 5; ++i) log.publish(EventLevel::info, "x", {{"i", i}}, kNow);
  RawClient client(path);
  client.send("{\"command\":\"watch\",\"replay\":true}\n");
  serve();
  log.publish(EventLevel::info, "x", {{"i", kRememberedEvents + 5}}, kNow);
  const auto lines = lines_of(converse(client, ""));
  REQUIRE(lines.size() == kRememberedEvents + 2);
  CHECK(lines[0]["ok"] == true);
  for (std::size_t i = 1; i < lines.size(); ++i) REQUIRE(lines[i]["i"] == i + 4);
}

TEST_CASE_FIXTURE(Fixture, "A watcher that does not keep up loses events, in a bounded queue, and is told how many") {
  RawClient client(path);
  converse(client, "{\"command\":\"watch\"}\n");
  constexpr std::size_t kEvents = 5 * kWatchQueueMax;
  for (std::size_t i = 0; i < kEvents; ++i) {
    log.publish(EventLevel::info, "x", {{"i", i}}, kNow);
    if (i % 1000 == 0) serve();
  }
  std::size_t seen = 0;
  std::size_t lost = 0;
  std::int64_t last = -1;
  for (const json& event : lines_of(converse(client, ""))) {
    if (event["event"] == "watch.lost") {
      lost += event["count"].get<std::size_t>();
      CHECK(event["node"] == "a");
    } else {
      CHECK(event["i"].get<std::int64_t>() > last);
      last = event["i"].get<std::int64_t>();
      ++seen;
    }
  }
  CHECK(lost > 0);
  CHECK(seen + lost == kEvents);
  log.publish(EventLevel::info, "after", {}, kNow);
  CHECK(lines_of(converse(client, "")).back()["event"] == "after");
}

TEST_CASE_FIXTURE(Fixture, "A watcher that goes away is forgotten") {
  {
    RawClient client(path);
    converse(client, "{\"command\":\"watch\"}\n");
  }
  serve();
  CHECK(server->connections() == 0);
  log.publish(EventLevel::info, "x", {}, kNow);
  serve();
}

TEST_CASE_FIXTURE(Fixture, "At its end the server sends watchers the last events, closes them and removes the socket") {
  RawClient client(path);
  converse(client, "{\"command\":\"watch\"}\n");
  log.publish(EventLevel::info, "daemon.stop", {}, kNow);
  server.reset();
  CHECK(json::parse(client.receive())["event"] == "daemon.stop");
  CHECK(client.ended());
  CHECK_FALSE(std::filesystem::exists(path));
  log.publish(EventLevel::info, "nobody", {}, kNow);
  serve();
}

TEST_CASE_FIXTURE(Fixture, "The socket is for its owner only, in a directory that all may enter") {
  struct stat found {};
  REQUIRE(stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0600);
  REQUIRE(stat((directory / "run").c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0755);
}

TEST_CASE_FIXTURE(Fixture, "A second daemon at the same path is refused, and the first goes on") {
  const auto second = ControlServer::open(
      io, path, [](const json&) -> Result<json> { return json(); }, log);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().message.find("another starlingd listens") == 0);
  RawClient client(path);
  CHECK(ask(client, kStatus)["ok"] == true);
}

TEST_CASE_FIXTURE(Fixture, "A socket that a killed daemon left is replaced; any other file is not") {
  server.reset();
  {
    const int left = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    close(left);
  }
  server = open();
  RawClient client(path);
  CHECK(ask(client, kStatus)["ok"] == true);
  server.reset();
  std::ofstream(path) << "precious";
  const auto refused = ControlServer::open(
      io, path, [](const json&) -> Result<json> { return json(); }, log);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("is no socket") != std::string::npos);
  CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE_FIXTURE(Fixture, "A path that is too long for a socket is an error") {
  const auto refused = ControlServer::open(
      io, directory / std::string(120, 'x'), [](const json&) -> Result<json> { return json(); }, log);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("107 bytes") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "The client gets results, the daemon's own errors, and answers of any size") {
  Running running(*this);
  auto client = ControlClient::connect(path);
  REQUIRE(client.ok());
  const auto result = client->show("status");
  REQUIRE(result.ok());
  CHECK((*result)["asked"] == "status");
  const auto refused = client->request({{"command", "dance"}});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "unknown command");
  const auto large = client->show("large");
  REQUIRE(large.ok());
  CHECK(large->get_ref<const std::string&>().size() == 3'000'000);
}

TEST_CASE_FIXTURE(Fixture, "The client's watch hands out event after event, and then waits no longer than it is told") {
  log.publish(EventLevel::info, "one", {}, kNow);
  log.publish(EventLevel::info, "two", {}, kNow);
  Running running(*this);
  auto client = ControlClient::connect(path);
  REQUIRE(client.ok());
  REQUIRE(client->start_watch(true).ok());
  for (const char* name : {"one", "two"}) {
    const auto event = client->next_event(5s);
    REQUIRE(event.ok());
    REQUIRE(event->has_value());
    CHECK(json::parse(**event)["event"] == name);
  }
  const auto none = client->next_event(0s);
  REQUIRE(none.ok());
  CHECK_FALSE(none->has_value());
}

TEST_CASE_FIXTURE(Fixture, "A daemon that does not answer in time is an error, not a wait without end") {
  auto client = ControlClient::connect(path);  // the server is not running: the kernel holds the connection
  REQUIRE(client.ok());
  const auto result = client->show("status", 20ms);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message.find("no answer within 0.02 s") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "The end of the daemon ends a watch with an error that says so") {
  auto running = std::make_unique<Running>(*this);
  auto client = ControlClient::connect(path);
  REQUIRE(client.ok());
  REQUIRE(client->start_watch(false).ok());
  running.reset();
  server.reset();
  const auto event = client->next_event(5s);
  REQUIRE_FALSE(event.ok());
  CHECK(event.error().message.find("closed the connection") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "A client learns why there is nobody to talk to") {
  const auto missing = ControlClient::connect(directory / "no.sock");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("is starlingd running?") != std::string::npos);
  std::filesystem::rename(path, directory / "moved.sock");
  server.reset();
  const auto left = ControlClient::connect(directory / "moved.sock");
  REQUIRE_FALSE(left.ok());
  CHECK(left.error().message.find("starlingd is not running") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "Without a word about it the only daemon is meant, and several are listed") {
  const std::string run = directory / "run";
  CHECK(choose_control_socket("/x/y", "", run).value() == "/x/y");
  CHECK(choose_control_socket("", "star7", run).value() == run + "/star7.sock");
  CHECK(choose_control_socket("", "", run).value() == path);
  const auto none = choose_control_socket("", "", directory / "nothing");
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().message.find("no starlingd is running") == 0);

  const auto second = ControlServer::open(
      io, run + "/star1.sock", [](const json&) -> Result<json> { return json(); }, log);
  REQUIRE(second.ok());
  const auto several = choose_control_socket("", "", run);
  REQUIRE_FALSE(several.ok());
  CHECK(several.error().message.find("-i star0, -i star1") != std::string::npos);
  std::filesystem::rename(path, run + "/star9.sock");
  server.reset();  // its moved socket stays behind, as a killed daemon's would
  CHECK(choose_control_socket("", "", run).value() == run + "/star1.sock");
}
