#include "daemon/cli/show_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace starling::daemon;
using nlohmann::json;

namespace {

std::string shown(const char* what, const char* view) {
  return show_text(what, json::parse(view), false);
}

}  // namespace

TEST_CASE("Neighbours are a table with units, and a sum at its end") {
  CHECK(shown("neighbors", R"([
    {"name":"b","state":"Full","since_ms":3200,"cost":10,"rtt_us":412,"detection_ms":300,"times_down":0,
     "endpoint":"192.0.2.1:51820"},
    {"name":"c","state":"Down","since_ms":250000,"cost":10,"rtt_us":null,"detection_ms":300,"times_down":2,
     "endpoint":null}])") ==
        "NEIGHBOR  STATE       SINCE  COST     RTT  DETECTION  LOST  ENDPOINT\n"
        "b         Full        3.2 s    10  412 us     300 ms     0  192.0.2.1:51820\n"
        "c         Down   4 min 10 s    10       -     300 ms     2  -\n"
        "2 neighbours, 1 Full\n");
  CHECK(shown("neighbors", "[]") == "no neighbours are configured\n");
}

TEST_CASE("A cost tells whether someone has set it, and a grey link what would help") {
  const std::string text = shown("neighbors", R"([
    {"name":"b","state":"Full","cost":25,"manual":true,"grey":null,"carried_bytes":null},
    {"name":"c","state":"Full","cost":16777215,"manual":false,"grey":"full_size_lost","carried_bytes":1376},
    {"name":"d","state":"Full","cost":16777215,"manual":false,"grey":"data_lost","carried_bytes":null}])");
  CHECK(text.find("  25 set  ") != std::string::npos);
  CHECK(text.find("  last resort  ") != std::string::npos);
  CHECK(text.find("    grey: full_size_lost: packets of up to 1376 bytes pass: set \"mtu\": 1376 at both ends") !=
        std::string::npos);
  CHECK(text.find("    grey: data_lost: Hellos pass and data does not") != std::string::npos);
  const std::string database = shown("lsdb", R"([
    {"origin":"b","fragment":0,"sequence":77,"remaining_s":3540,"reachable":true,"transit":true,"drained":true,
     "links":[{"neighbor":"a","metric":16777215,"two_way":true},{"neighbor":"c","metric":5,"manual":true,"two_way":true}],
     "prefixes":[]}])");
  CHECK(database.find("yes        drained\n") != std::string::npos);
  CHECK(database.find("    links     a last resort, c 5 set\n") != std::string::npos);
  CHECK(shown("status", R"({"drained":true})").find("\ndrained ") != std::string::npos);
  CHECK(shown("status", R"({"drained":false})").find("drained") == std::string::npos);
}

TEST_CASE("What happened just now is no nanoseconds ago") {
  const std::string text = shown("tunnels", R"([{"name":"b","last_handshake_s":0}])");
  CHECK(text.find(" 0 s ago ") != std::string::npos);
}

TEST_CASE("Routes tell through whom, from whom, and why one is refused") {
  CHECK(shown("routes", R"([
    {"prefix":"10.0.0.1/32","origins":["a"],"metric":null,"next_hops":[],"backup":null,"status":"own","reason":null},
    {"prefix":"10.0.0.4/32","origins":["d"],"metric":20,"next_hops":["b","c"],"backup":null,"status":"installed",
     "reason":null},
    {"prefix":"8.8.8.0/24","origins":["d"],"metric":null,"next_hops":[],"backup":null,"status":"refused",
     "reason":"not_in_accept"},
    {"prefix":"10.0.0.5/32","origins":["e"],"metric":20,"next_hops":["b"],"backup":null,"status":"failed",
     "reason":"Invalid argument"}])") ==
        "PREFIX       VIA   METRIC  FROM  STATUS     REASON\n"
        "10.0.0.1/32                a     own\n"
        "10.0.0.4/32  b, c      20  d     installed\n"
        "8.8.8.0/24                 d     refused    not_in_accept (no pattern of `accept` matches)\n"
        "10.0.0.5/32  b         20  e     failed     Invalid argument\n"
        "1 of 1 installed have another way ready: 1 by equal next hops, 0 around the next hop, 0 around the link to "
        "it\n");
  CHECK(shown("routes", R"([
    {"prefix":"10.0.0.6/32","origins":["f"],"metric":20,"next_hops":["b"],"backup":"c","backup_kind":"node",
     "status":"installed","reason":null},
    {"prefix":"10.0.0.7/32","origins":["g"],"metric":20,"next_hops":["b"],"backup":"c","backup_kind":"link",
     "status":"installed","reason":null},
    {"prefix":"10.0.0.8/32","origins":["h"],"metric":20,"next_hops":["b"],"backup":null,"backup_kind":null,
     "status":"installed","reason":null}])") ==
        "PREFIX       VIA  BACKUP    METRIC  FROM  STATUS\n"
        "10.0.0.6/32  b    c             20  f     installed\n"
        "10.0.0.7/32  b    c (link)      20  g     installed\n"
        "10.0.0.8/32  b                  20  h     installed\n"
        "2 of 3 installed have another way ready: 0 by equal next hops, 1 around the next hop, 1 around the link to "
        "it\n");
}

TEST_CASE("Tunnels tell what was dropped and what to do about it") {
  const std::string text = shown("tunnels", R"([
    {"name":"b","endpoint":"192.0.2.1:51820","routing":true,"last_handshake_s":12,"rx_bytes":1536,"tx_bytes":100,
     "unanswered_initiations":0,"drops":{}},
    {"name":"c","endpoint":"192.0.2.9:1","routing":true,"last_handshake_s":null,"rx_bytes":0,"tx_bytes":0,
     "unanswered_initiations":5,"drops":{"handshake_gave_up":3}},
    {"name":null,"drops":{"bad_mac1":7}}])");
  CHECK(
      text.starts_with("PEER  ENDPOINT          HANDSHAKE  RECEIVED   SENT  ROUTING\n"
                       "b     192.0.2.1:51820  12.0 s ago   1.5 KiB  100 B  yes\n"));
  CHECK(text.find("never") != std::string::npos);
  CHECK(text.find("    no answer to 5 handshake initiations at 192.0.2.9:1: check endpoint, port and firewall\n") !=
        std::string::npos);
  CHECK(text.find("    dropped 3: handshake_gave_up: no answer to 18 initiations at 192.0.2.9:1: check") !=
        std::string::npos);
  CHECK(text.find("\nof no known peer:\n    dropped 7: bad_mac1: a handshake for another public key") !=
        std::string::npos);
}

TEST_CASE("The database marks links that only one end announces and prefixes that are not used") {
  const std::string text = shown("lsdb", R"([
    {"origin":"b","fragment":0,"sequence":77,"remaining_s":3540,"reachable":true,"transit":true,
     "links":[{"neighbor":"a","metric":10,"two_way":true},{"neighbor":"c","metric":5,"two_way":false}],
     "prefixes":[{"prefix":"10.0.0.2/32","verdict":"accepted"},{"prefix":"8.8.8.0/24","verdict":"not_in_accept"}]}])");
  CHECK(text.find("b              0        77  59 min  yes        yes\n") != std::string::npos);
  CHECK(text.find("    links     a 10, c 5 (one way)\n") != std::string::npos);
  CHECK(text.find("    prefixes  10.0.0.2/32, 8.8.8.0/24 (not_in_accept)\n") != std::string::npos);
  CHECK(text.ends_with("\n1 announcement\n"));
}

TEST_CASE("Grants tell who is a member, until when, with which prefixes; and a route what is to be known of it") {
  CHECK(shown("grants", R"([
    {"name":"b","node":"00112233445566778899","state":"member","serial":1,"until":"2027-01-15T08:00:00Z",
     "prefixes":["10.0.0.0/24+","fd01::/48"]},
    {"name":null,"node":"ff112233445566778899","state":"revoked","serial":2,"until":"2028-01-15T08:00:00Z",
     "prefixes":[]}])") ==
        "NODE      NAME  STATE    UNTIL                 PREFIXES\n"
        "00112233  b     member   2027-01-15T08:00:00Z  10.0.0.0/24+, fd01::/48\n"
        "ff112233  -     revoked  2028-01-15T08:00:00Z\n"
        "2 grants\n");
  const std::string routes = shown("routes", R"([
    {"prefix":"10.9.0.0/16","origins":["b","c"],"metric":10,"next_hops":["b"],"backup":null,"status":"installed",
     "reason":null,"note":"announced by b, c"}])");
  CHECK(routes.find("installed  announced by b, c\n") != std::string::npos);
}

TEST_CASE("Egress, ingress and status read as lists") {
  CHECK(shown("egress", R"([{"prefix":"10.0.0.2/32","next_hops":["b"],"backup":"c"}])") ==
        "PREFIX       VIA  BACKUP\n10.0.0.2/32  b    c\n");
  CHECK(shown("ingress", R"([{"prefix":"10.0.0.2/32","allowed":["b","c"]}])") ==
        "SOURCE       ALLOWED FROM\n10.0.0.2/32  b, c\n");
  const std::string status = shown("status", R"({"name":"a","node":"00ff","public_key":"k","interface":"star0",
    "listen_port":51820,"version":"0.1.0","uptime_ms":61000,"neighbors_full":1,"lsas":2,"routes":3,"digest":"ab",
    "statistics":{"spf_runs":4}})");
  CHECK(status.find("interface   star0, UDP port 51820\n") != std::string::npos);
  CHECK(status.find("up          1 min 1 s\n") != std::string::npos);
  CHECK(status.find("mesh        1 neighbour Full, 2 announcements, 3 routes\n") != std::string::npos);
  CHECK(status.find("  spf runs                         4\n") != std::string::npos);
}

TEST_CASE("Transit tells for each family whether it takes the fast path, and why not") {
  CHECK(shown("transit", R"({"offered":true,"kernel_routes":12,"dropping_chains":["inet filter forward"],"families":[
    {"family":"ipv4","fast_path":true,"reason":null,"source":"10.0.0.1","punts":["10.0.0.1/32","10.5.0.0/16","10.6.0.0/16"]},
    {"family":"ipv6","fast_path":false,"reason":"policy rule 100 looks at: source","source":null,"punts":[]}]})") ==
        "FAMILY  FAST PATH  PUNTS  ERRORS FROM  REASON\n"
        "ipv4    on             3  10.0.0.1\n"
        "ipv6    off            0  -            policy rule 100 looks at: source\n"
        "12 routes of the kernel are watched\n"
        "the chain inet filter forward drops what no rule there accepts; it does not see what takes the fast path\n");
  CHECK(shown("transit", R"({"offered":false})") == "others may not pass through this node (`transit` is false)\n");
}

TEST_CASE("An answer of another version, or of no sense at all, is shown without failing") {
  for (const char* what :
       {"neighbors", "routes", "lsdb", "grants", "tunnels", "egress", "ingress", "transit", "status", "weather"}) {
    for (const char* view : {"[{}]", "{}", "null", "7", "\"x\"", "[1,null,[]]",
                             R"({"offered":true,"families":7,"dropping_chains":{"a":1}})",
                             R"([{"name":"x","drops":[1],"since_ms":-9223372036854775808,"links":7,"prefixes":"x"}])",
                             R"([{"since_ms":9223372036854775807,"rtt_us":1e300,"name":"\u001b[2J"}])"}) {
      CAPTURE(what);
      CAPTURE(view);
      CHECK(shown(what, view).find('\033') == std::string::npos);
    }
  }
}

TEST_CASE("Colour marks states") {
  const json view = json::parse(R"([{"name":"b","state":"Full"}])");
  CHECK(show_text("neighbors", view, true).find("\033[32mFull\033[0m") != std::string::npos);
}
