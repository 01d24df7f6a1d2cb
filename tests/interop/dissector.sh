#!/bin/bash
# The Wireshark dissector (routing/starling.lua) against our own encoder and decoder: what tshark shows of each message, and
# that it finds wrong what the decoder finds wrong, and nothing else, in thousands of damaged packets.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
need_command tshark
dissector=$SOURCE_DIR/routing/starling.lua

# shark FILE OPTIONS...: tshark with the dissector. It warns of being root, which is no error.
shark() {
  local file=$1; shift
  tshark -X "lua_script:${lua:-$dissector}" -r "$file" "$@" 2>"$work/tshark.log" || fail "tshark: $(cat "$work/tshark.log")"
  ! grep -v "Running as user" "$work/tshark.log" || fail "tshark complains"
}
expect() { [ "$2" = "$1" ] || fail "$3: expected"$'\n'"$1"$'\n'"and tshark shows"$'\n'"$2"; }
lua_errors() { shark "$1" -V | grep -c "Lua Error"; }

note "one of each message, some with what is wrong with them"
"$BIN/routing_packets" samples "$work/samples.pcapng" >"$work/samples.txt" || fail "no samples"
expect "$(cat <<'END'
Hello seq 12 Full, digest abababab
Hello seq 12 Full goodbye, digest abababab
Ask from 03030303/1
Headers 01010101/0 to 05050505/3: 2 summaries
Headers 05050505/3 to the end: 0 summaries
Request 01010101/0, 02020202/7 and 2 more
Update 67d160b3/0 seq 1790000000000001 (node-a.example, 2 links, 8 prefixes)
Update 67d160b3/2 seq 4611686018427387904 (withdrawal), 67d160b3/0 seq 1790000000000001 (bare header)
Ack 67d160b3/0 seq 1790000000000001
Path probe number 77, 1372 bytes
Path answer newest 77
Update 67d160b3/65535 seq 1790000000000002 (grant, 2 rights)
Update 67d160b3/65535 seq 1790000000000002 (revocation)
Hello seq 12 Full, digest abababab
Update 67d160b3/0 seq 1790000000000001 (node-a.example, 2 links, 8 prefixes)
Version 2 [bad_version]
Type 99 [unknown_type]
Hello seq 12 Full, digest abababab [bad_size]
Truncated [truncated]
Hello seq 12 Full, digest abababab [bad_value]
Hello seq 12 Full, digest abababab [bad_value]
Update [malformed_tlv]
Update 67d160b3/256 seq 7 (node-a.example, 2 links, 8 prefixes) [bad_fragment]
Update 67d160b3/0 seq 4611686018427387911 (node-a.example, 2 links, 8 prefixes) [bad_sequence]
Update 67d160b3/0 seq 7 (node-a.example, 2 links, 8 prefixes) [bad_lifetime]
Update 67d160b3/0 seq 7 (?, 2 links, 8 prefixes) [malformed_body]
Update 67d160b3/65535 seq 1790000000000002 (grant, 2 rights) [bad_grant]
Hello seq 12 Full, digest abababab [control_invalid]
Update [cut]
END
)" "$(shark "$work/samples.pcapng" -T fields -e _ws.col.Info)" "the Info column"

# One run for all fields; fields PACKET FIELD...: what it showed of this one, separated by blanks
names=(version type size instance peer_instance hello.sequence hello.timestamp_us hello.echo_us hello.hold_us hello.interval_us
  hello.multiplier hello.state hello.flags.echo hello.flags.goodbye hello.lateness hello.node hello.digest origin fragment
  headers.flags.end sequence tag lsa.flags.bare lsa.lifetime_s lsa.remaining_ms lsa.withdrawal attributes.flags.no_transit
  attributes.flags.overload attributes.wireguard_key attributes.name link.metric link.round_trip_us link.loss_permille link.mtu
  grant.until grant.right grant.flags.revoked
  link.flags.manual path_probe.number path_answer.newest path_answer.history prefix tlv.unknown)
shark "$work/samples.pcapng" -T fields -E header=y "${names[@]/#/-estarling.}" >"$work/fields.txt"
fields() {
  awk -F'\t' -v row="$1" -v wanted="${*:2}" '
    NR == 1 { for (i = 1; i <= NF; i++) column[substr($i, length("starling.") + 1)] = i }
    NR == row + 1 { n = split(wanted, name, " "); for (i = 1; i <= n; i++) printf "%s%s", $column[name[i]], i < n ? " " : "\n" }' "$work/fields.txt"
}
repeated() { printf "$1%.0s" $(seq "$2"); }
expect "1 1 92 0x1111111111111111 0x2222222222222222" "$(fields 1 version type size instance peer_instance)" "the header"
expect "12 4000000001 123456 789 100000 3 3 1 0 0 $(repeated 09 32) $(repeated ab 16)" \
  "$(fields 1 hello.sequence hello.timestamp_us hello.echo_us hello.hold_us hello.interval_us hello.multiplier hello.state \
    hello.flags.echo hello.flags.goodbye hello.lateness hello.node hello.digest)" "Hello"
expect "1" "$(fields 2 hello.flags.goodbye)" "goodbye"
expect "$(repeated 03 32) 1" "$(fields 3 origin fragment)" "Ask"
expect "0 0,3,0,2 1,3 0x0000000000000002,0x0123456789abcdef" "$(fields 4 headers.flags.end fragment sequence tag)" "Headers"
expect "1" "$(fields 5 headers.flags.end)" "the last Headers"
expect "0,7,0,0" "$(fields 6 fragment)" "Request"
expect "0 3600 1234567 1 1 AQkRGSEpMTlBSVFZYWlxeYGJkZmhqbG5wcnR2eHp8fk= node-a.example" \
  "$(fields 7 lsa.flags.bare lsa.lifetime_s lsa.remaining_ms attributes.flags.no_transit attributes.flags.overload \
    attributes.wireguard_key attributes.name)" "an announcement"
expect "10,16777215 1500,0 25,0 1420,1280" "$(fields 7 link.metric link.round_trip_us link.loss_permille link.mtu)" "links"
expect "1,0" "$(fields 7 link.flags.manual)" "a metric set by hand"
expect "10.42.0.1/32,172.20.0.0/14,0.0.0.0/0,fd42:1::/48,2001:db8:0:1::8/126,::/0,fe80:0:0:1::/64,1:2:3:4:5:6:7:8/128" \
  "$(fields 7 prefix)" "prefixes"
expect "0,1 1" "$(fields 8 lsa.flags.bare lsa.withdrawal)" "a withdrawal and a bare header"
expect "77" "$(fields 10 path_probe.number)" "Path probe"
expect "77 0x0000000d" "$(fields 11 path_answer.newest path_answer.history)" "Path answer"
expect "6e6577 6e6577" "$(fields 14 tlv.unknown) $(fields 15 tlv.unknown)" "TLVs of an unknown type"
expect "1800000000 10.42.0.0/16{24,32},fd42:1::/48{48,48}" "$(fields 12 grant.until grant.right)" "a grant"
expect "1" "$(fields 13 grant.flags.revoked)" "a revocation"
expect "20,21" "$(shark "$work/samples.pcapng" -Y starling.reject.bad_value -T fields -e frame.number | paste -sd,)" \
  "the filter by reason"
expect 0 "$(lua_errors "$work/samples.pcapng")" "Lua errors"

note "an error of the dissector would be seen by this test"
sed 's|^  local kind = tvb(1, 1):uint()|  local kind = tvb(1, 5000):uint()|' "$dissector" >"$work/broken.lua"
lua=$work/broken.lua
[ "$(lua_errors "$work/samples.pcapng")" -gt 0 ] || fail "a broken dissector was not noticed"
lua=$dissector

note "damaged packets: tshark and our decoder agree on each"
"$BIN/routing_packets" hostile "$work/hostile.pcapng" 1 >"$work/decoder.txt" || fail "no hostile packets"
shark "$work/hostile.pcapng" -T fields -e _ws.col.Info >"$work/tshark.txt"
expect 0 "$(lua_errors "$work/hostile.pcapng")" "Lua errors"
# The decoder stops at the first thing that is wrong with a packet, tshark goes on.
paste -d'|' "$work/decoder.txt" "$work/tshark.txt" | awk -F'|' '
  BEGIN { split("too_long truncated bad_version bad_size unknown_type malformed_tlv bad_value", words, " ")
          for (i in words) of_packets[words[i]] = 1 }
  { found = ""
    if (match($2, / \[[a-z_, ]*\]$/)) found = substr($2, RSTART + 2, RLENGTH - 3)
    gsub(/,/, "", found)
    expected = $1 == "-" ? "" : $1
    counts[expected == "" ? "right" : expected]++
    if (of_packets[expected] ? index(" " found " ", " " expected " ") == 0 : found != expected) {
      print "packet " NR ": the decoder says \"" expected "\", tshark: " $2
      disagree = 1
    }
  }
  END { if (NR < 4000 || counts["right"] < 1000 || counts["malformed_tlv"] < 500 || counts["malformed_body"] < 20) {
          print "these packets test nothing"; disagree = 1 }
        print "   " NR " packets, of which " counts["right"] " right"
        exit disagree }' || fail "they do not agree"
exit 0
