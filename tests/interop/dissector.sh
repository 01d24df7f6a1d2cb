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
Hello seq 12 Full, digest abababab
Update 67d160b3/0 seq 1790000000000001 (node-a.example, 2 links, 8 prefixes)
Version 2 [bad_version]
Type 99 [unknown_type]
Hello seq 12 Full, digest abababab [bad_size]
Truncated [truncated]
Hello seq 12 Full, digest abababab [bad_value]
Hello seq 12 Full, digest abababab [bad_value]
Update [malformed_tlv]
Update 67d160b3/64 seq 7 (node-a.example, 2 links, 8 prefixes) [bad_fragment]
Update 67d160b3/0 seq 4611686018427387911 (node-a.example, 2 links, 8 prefixes) [bad_sequence]
Update 67d160b3/0 seq 7 (node-a.example, 2 links, 8 prefixes) [bad_lifetime]
Update 67d160b3/0 seq 7 (?, 2 links, 8 prefixes) [malformed_body]
Hello seq 12 Full, digest abababab [control_invalid]
Update [cut]
END
)" "$(shark "$work/samples.pcapng" -T fields -e _ws.col.Info)" "the Info column"

# fields FILTER FIELD...: of the first packet that passes, separated by blanks
fields() {
  local filter=$1 field arguments=(); shift
  for field in "$@"; do arguments+=(-e "$field"); done
  shark "$work/samples.pcapng" -Y "$filter" -T fields -E separator=' ' "${arguments[@]}" | head -n 1
}
h=starling.hello
expect "1 1 92 0x1111111111111111 0x2222222222222222" \
  "$(fields starling starling.version starling.type starling.size starling.instance starling.peer_instance)" "the header"
expect "12 4000000001 123456 789 100000 3 3 1 0 0x00 $(printf '09%.0s' {1..32}) $(printf 'ab%.0s' {1..16})" \
  "$(fields "$h.state == 3" $h.sequence $h.timestamp_us $h.echo_us $h.hold_us $h.interval_us $h.multiplier $h.state \
    $h.flags.echo $h.flags.goodbye $h.reserved $h.node $h.digest)" "Hello"
expect "1" "$(shark "$work/samples.pcapng" -Y "$h.flags.goodbye == 1" -T fields -e frame.number | wc -l)" "one goodbye"
expect "$(printf '03%.0s' {1..32}) 1" "$(fields starling.type==2 starling.origin starling.fragment)" "Ask"
expect "0 0,3,0,2 1,3 0x0000000000000002,0x0123456789abcdef" \
  "$(fields starling.type==3 starling.headers.flags.end starling.fragment starling.sequence starling.tag)" "Headers"
expect "0,7,0,0" "$(fields starling.type==4 starling.fragment)" "Request"
expect "0 3600 1234567 1 1 AQkRGSEpMTlBSVFZYWlxeYGJkZmhqbG5wcnR2eHp8fk= node-a.example" \
  "$(fields starling.type==5 starling.lsa.flags.bare starling.lsa.lifetime_s starling.lsa.remaining_ms \
    starling.attributes.flags.no_transit starling.attributes.flags.overload starling.attributes.wireguard_key \
    starling.attributes.name)" "an announcement"
expect "10,16777215 1500,0 25,0 1420,1280" \
  "$(fields starling.type==5 starling.link.metric starling.link.round_trip_us starling.link.loss_permille starling.link.mtu)" "links"
expect "10.42.0.1/32,172.20.0.0/14,0.0.0.0/0,fd42:1::/48,2001:db8:0:1::8/126,::/0,fe80:0:0:1::/64,1:2:3:4:5:6:7:8/128" \
  "$(fields starling.type==5 starling.prefix)" "prefixes"
expect "8" "$(fields 'starling.lsa.withdrawal && starling.lsa.flags.bare == 1' frame.number)" "a withdrawal and a bare header"
expect "10,11" "$(shark "$work/samples.pcapng" -Y 'starling.tlv.unknown == 6e:65:77' -T fields -e frame.number | paste -sd,)" \
  "TLVs of an unknown type"
expect "16,17" "$(shark "$work/samples.pcapng" -Y starling.reject.bad_value -T fields -e frame.number | paste -sd,)" \
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
