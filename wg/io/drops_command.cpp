#include "wg/io/drops_command.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "base/key.h"
#include "base/result.h"
#include "wg/drop_reason.h"
#include "wg/io/drop_hint.h"
#include "wg/io/uapi_socket.h"

namespace starling::wg {
namespace {

constexpr timeval kAnswerTime{5, 0};  // seconds
constexpr std::string_view kAnswerEnd = "errno=0\n\n";

struct Tally {
  std::string peer;  // base64; empty: no known peer
  std::string reason;
  std::string packets;
};

Result<FileDescriptor> connect_to(const std::string& interface) {
  const std::string path = fmt::format("{}/{}.sock", kUapiDirectory, interface);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Error{fmt::format("{}: no interface has such a name", interface)};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTime, sizeof kAnswerTime);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kAnswerTime, sizeof kAnswerTime);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    const std::string_view remedy = errno == EACCES ? "; only root may ask" : "; does starling-wg run for it?";
    return Error{fmt::format("{}: {}{}", path, std::strerror(errno), remedy)};
  }
  return socket;
}

Result<std::string> ask(const std::string& interface) {
  Result<FileDescriptor> socket = connect_to(interface);
  if (!socket) return socket.error();
  constexpr std::string_view kRequest = "get_drops=1\n\n";
  std::string answer;
  char chunk[4096];
  ssize_t got = ::send(socket->get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
  while (got > 0 && !answer.ends_with("\n\n")) {
    got = ::recv(socket->get(), chunk, sizeof chunk, 0);
    if (got > 0) answer.append(chunk, static_cast<std::size_t>(got));
  }
  if (answer.ends_with(kAnswerEnd)) return answer.substr(0, answer.size() - kAnswerEnd.size());
  return Error{
      fmt::format("{}: another program than starling-wg or starlingd serves it, and counts no drops", interface)};
}

std::vector<Tally> parse(std::string_view answer) {
  std::vector<Tally> tallies;
  std::string peer;
  while (!answer.empty()) {
    const std::size_t end = answer.find('\n');
    const std::string_view line = answer.substr(0, end);
    answer.remove_prefix(end == std::string_view::npos ? answer.size() : end + 1);
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string_view value = line.substr(std::min(equals + 1, line.size()));
    PublicKey key;
    if (line.substr(0, equals) != "public_key") {
      tallies.push_back({peer, std::string(line.substr(0, equals)), std::string(value)});
    } else if (parse_hex(value, key.bytes)) {
      peer = to_base64(key);
    }
  }
  return tallies;
}

// Empty for a name that only a newer program knows.
std::string_view hint_for(std::string_view reason) {
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    if (to_string(static_cast<DropReason>(i)) == reason) return drop_hint(static_cast<DropReason>(i));
  }
  return {};
}

void print_table(const std::vector<Tally>& tallies) {
  if (tallies.empty()) {
    fmt::print("nothing was dropped\n");
    return;
  }
  fmt::print("{:<44}  {:<26}  {:>12}  {}\n", "PEER", "REASON", "PACKETS", "WHAT TO DO");
  for (const Tally& tally : tallies) {
    fmt::print("{:<44}  {:<26}  {:>12}  {}\n", tally.peer.empty() ? "(no known peer)" : tally.peer, tally.reason,
               tally.packets, hint_for(tally.reason));
  }
}

// [{"public_key":null,"drops":{"bad_mac1":3}},…], as `starling show tunnels --json` names them.
void print_json(const std::vector<Tally>& tallies) {
  std::string text = "[";
  std::optional<std::string> peer;
  for (const Tally& tally : tallies) {
    if (peer != tally.peer) {
      const std::string name = tally.peer.empty() ? "null" : fmt::format("\"{}\"", tally.peer);
      text += fmt::format("{}{{\"public_key\":{},\"drops\":{{", peer ? "}}," : "", name);
      peer = tally.peer;
    } else {
      text += ',';
    }
    text += fmt::format("\"{}\":{}", tally.reason, tally.packets);
  }
  fmt::print("{}{}]\n", text, peer ? "}}" : "");
}

}  // namespace

int show_drops(const std::string& interface, bool json) {
  const Result<std::string> answer = ask(interface);
  if (!answer) {
    fmt::print(stderr, "starling-wg: {}\n", answer.error().message);
    return 1;
  }
  const std::vector<Tally> tallies = parse(*answer);
  json ? print_json(tallies) : print_table(tallies);
  return 0;
}

}  // namespace starling::wg
