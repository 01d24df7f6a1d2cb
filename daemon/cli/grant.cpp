// `starling grant`: a network's key, and what it allows its members.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/date.h"
#include "base/system.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/config/key_file.h"
#include "daemon/config/loader.h"
#include "daemon/control/client.h"
#include "routing/grant.h"
#include "routing/identity.h"

namespace starling::daemon {

namespace {

using nlohmann::json;

constexpr std::uint32_t kDaysDefault = 365;
constexpr std::uint64_t kSecondsPerDay = 86400;
constexpr std::size_t kInputMax = std::size_t{1} << 20;  // bytes

std::uint64_t wall_us() {
  return static_cast<std::uint64_t>(system_now().wall.time_since_epoch().count() / 1000);
}

int wrong(const std::string& message) {
  print_error(message);
  return kExitUsage;
}

std::string network_key_text(const routing::Identity& network) {
  return to_base64(network.id().bytes);
}

// Text of a file, or of standard input for "-" and "".
Result<std::string> read_text(const std::string& file) {
  std::string text;
  if (file.empty() || file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (in) text.assign(std::istreambuf_iterator<char>(in), {});
    if (!in) return Error{fmt::format("{} cannot be read: {}", file, std::strerror(errno))};
  }
  if (text.size() > kInputMax) return Error{"that is too long to be grants; one has at most 1524 characters"};
  return text;
}

// The words of a text: grants, one a line, or one by one.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  static constexpr const char* kSpace = " \t\r\n";
  for (std::size_t at = text.find_first_not_of(kSpace); at != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kSpace, end);
  }
  return words;
}

// --- making one ---

std::optional<std::string> read_terms(const GrantChoice& choice, routing::Grant& grant) {
  if (!parse_hex(choice.node, grant.holder.bytes))
    return fmt::format(
        "`--node {}` is no NodeId; it has 64 hex digits, as `starling pubkey --node < KEYFILE` prints them there",
        choice.node);
  for (const std::string& text : choice.prefixes) {
    const auto right = routing::PrefixPattern::parse(text);
    if (!right.ok()) return "`--prefix`: " + right.error().message;
    grant.rights.push_back(*right);
  }
  const std::uint64_t now_us = wall_us();
  grant.serial = choice.serial > 0 ? choice.serial : now_us;
  if (choice.until.empty()) {
    grant.until_s = now_us / 1'000'000 + (choice.days > 0 ? choice.days : kDaysDefault) * kSecondsPerDay;
  } else if (const auto until = parse_date(choice.until)) {
    grant.until_s = *until;
  } else {
    return fmt::format("`--until {}` is no date; write 2027-01-31 or 2027-01-31T12:00:00Z (UTC)", choice.until);
  }
  if (grant.until_s <= now_us / 1'000'000)
    return fmt::format("that grant would end on {}, which is past; give a later date", date_text(grant.until_s));
  if (grant.until_s > routing::kMaxGrantEndS) return "that grant would end after the year 9999; give an earlier date";
  if (grant.serial > routing::kMaxSequence) return fmt::format("a serial is at most {}", routing::kMaxSequence);
  return std::nullopt;
}

std::string rights_text(const routing::Grant& grant) {
  std::string list;
  for (const routing::PrefixPattern& right : grant.rights) list += (list.empty() ? "" : ", ") + right.to_string();
  return list;
}

std::string summary(const routing::Grant& grant) {
  const std::string node = routing::to_string(grant.holder);
  const std::string end = date_text(grant.until_s);
  if (grant.revoked) return fmt::format("node {} is no member, until {}", node, end);
  if (grant.rights.empty()) return fmt::format("node {} is a member and announces no prefix, until {}", node, end);
  return fmt::format("node {} is a member and may announce {}, until {}", node, rights_text(grant), end);
}

void say_what_to_do(const routing::Grant& grant, const routing::Identity& network) {
  print_note(summary(grant));
  if (grant.revoked) {
    print_note(
        "hand it to any member that is up: `starling grant publish FILE` there. Keep it in that node's `grants`,");
    print_note("so that it is told to whoever joins or restarts, until the grants that it revokes have ended");
    return;
  }
  print_note("put it into that node's configuration, and the network's key into everybody's:");
  print_note(fmt::format(R"(  "network_key": "{}", "grants": ["…"])", network_key_text(network)));
  print_note("to a network that runs already, `starling grant publish FILE` hands it at any member");
}

int sign(const GrantChoice& choice, bool revoked) {
  if (choice.key_file.empty())
    return wrong("sign with which key? say `--key FILE`, as `starling grant keygen` made it");
  if (choice.node.empty())
    return wrong("for which node? say `--node NODEID`; `starling pubkey --node` prints it there");
  if (revoked && !choice.prefixes.empty()) return wrong("a revocation has no `--prefix`: the node is no member at all");
  routing::Grant grant;
  grant.revoked = revoked;
  if (const auto error = read_terms(choice, grant)) return wrong(*error);
  const Result<SecretKey> key = read_key_file(choice.key_file);
  if (!key.ok()) return wrong(key.error().message);
  const routing::Identity network = routing::Identity::of_network(*key);
  try {
    const auto lsa = routing::sign_grant(grant, [&](Bytes message) { return network.sign(message); });
    print(routing::grant_to_text(*lsa) + '\n');
  } catch (const std::length_error&) {
    return wrong(
        "so many prefixes do not fit one grant (about 80); name shorter ones with their lengths, such as "
        "10.0.0.0/16{16,24}");
  }
  say_what_to_do(grant, network);
  return kExitOk;
}

int print_network_key() {
  const auto text = read_text("-");
  const auto words = text.ok() ? words_of(*text) : std::vector<std::string>();
  const auto key = words.size() == 1 ? parse_secret_key(words[0]) : std::nullopt;
  if (!key) return wrong("that is no key; give one on standard input, 44 characters as `starling grant keygen` prints");
  print(network_key_text(routing::Identity::of_network(*key)) + '\n');
  return kExitOk;
}

// What the owner of a network has to type, for a node with this configuration.
int request(const std::string& file) {
  if (file.empty()) return wrong("for which configuration? say `starling grant request FILE`");
  const Result<Config, ConfigErrors> config = load_config(file);
  if (!config) {
    for (const ConfigError& error : config.error()) print_error(to_string(error));
    return kExitUsage;
  }
  std::string line = "starling grant sign --key NETWORK-KEY-FILE --node " +
                     routing::to_string(routing::Identity(config->private_key).id());
  for (const Prefix& prefix : config->announced()) line += " --prefix " + prefix.to_string();
  print(line + '\n');
  return kExitOk;
}

// --- looking at one ---

json grant_json(const routing::Grant& grant) {
  json rights = json::array();
  for (const routing::PrefixPattern& right : grant.rights) rights.push_back(right.to_string());
  return {{"node", routing::to_string(grant.holder)},
          {"serial", grant.serial},
          {"until", date_text(grant.until_s)},
          {"revoked", grant.revoked},
          {"prefixes", std::move(rights)}};
}

std::optional<routing::NodeId> parse_network_key(const std::string& text) {
  const auto key = parse_public_key(text);
  if (!key) return std::nullopt;
  return routing::NodeId{key->bytes};
}

int show(const GrantChoice& choice) {
  const auto network = parse_network_key(choice.network_key);
  if (!choice.network_key.empty() && !network)
    return wrong("`--network-key` is no key; it has 44 characters, as `starling grant pubkey` prints them");
  const auto text = read_text(choice.file);
  if (!text.ok()) return wrong(text.error().message);
  const auto words = words_of(*text);
  if (words.empty()) return wrong("there is no grant; name a file with one, or give it on standard input");
  int status = kExitOk;
  for (const std::string& word : words) {
    const auto parsed = routing::parse_grant(word);  // never quoted: it may be a secret key, by a slip
    if (!parsed.ok()) return wrong("what was given " + parsed.error().message);
    const bool is_signed = !network || routing::is_signed_by(*parsed->lsa, *network, routing::verify_signature);
    const bool has_ended = parsed->grant.ended(system_now().wall);
    if (!is_signed || has_ended) status = kExitFailed;
    if (choice.json) {
      json row = grant_json(parsed->grant);
      row["ended"] = has_ended;
      row["signed"] = network ? json(is_signed) : json();
      print(row.dump() + '\n');
      continue;
    }
    print(fmt::format("{}{}{}\n", summary(parsed->grant), has_ended ? " (has ended)" : "",
                      !network    ? ""
                      : is_signed ? ": signed by that key"
                                  : ": NOT signed by that key"));
  }
  return status;
}

// --- handing it to a daemon ---

int publish(const DaemonChoice& daemon, const std::string& file) {
  const auto text = read_text(file);
  if (!text.ok()) return wrong(text.error().message);
  const auto words = words_of(*text);
  if (words.empty()) return wrong("there is no grant; name a file with one, or give it on standard input");
  for (const std::string& word : words) {
    if (const auto parsed = routing::parse_grant(word); !parsed.ok())
      return wrong("what was given " + parsed.error().message);
  }
  const Result<std::string> path = choose_control_socket(daemon.control, daemon.interface);
  Result<ControlClient> client = path.ok() ? ControlClient::connect(*path) : Result<ControlClient>(path.error());
  if (!client.ok()) {
    print_error(client.error().message);
    return kExitFailed;
  }
  const Result<json> answer = client->request({{"command", "grant"}, {"grants", words}});
  if (!answer.ok()) {
    print_error(answer.error().message);
    return kExitFailed;
  }
  print(fmt::format("{} handed over\n", words.size() == 1 ? "1 grant" : fmt::format("{} grants", words.size())));
  return kExitOk;
}

}  // namespace

int run_grant(const DaemonChoice& daemon, const GrantChoice& choice) {
  if (choice.action == "keygen") return run_keygen();
  if (choice.action == "pubkey") return print_network_key();
  if (choice.action == "request") return request(choice.file);
  if (choice.action == "sign") return sign(choice, false);
  if (choice.action == "revoke") return sign(choice, true);
  if (choice.action == "show") return show(choice);
  return publish(daemon, choice.file);
}

}  // namespace starling::daemon
