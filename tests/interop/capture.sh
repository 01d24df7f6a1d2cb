#!/bin/bash
# `starling capture` on two real daemons, read by tcpdump and tshark: inner packets and the routing protocol are there, its
# file is complete whatever ends it, and a reader that is slow, gone or wrong is no matter to the tunnel.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command jq
need_command tcpdump
need_command tshark
need_command python3

for n in a b; do ns_add $n; done
veth a b 192.0.2.1/24 192.0.2.2/24
# c stands beside b, so that a has something to tell that b does not know when it begins a new life.
node a '{"addresses": ["10.1.0.1/32", "fd01::1/128"],
  "peers": [{"pub": "b", "endpoint": "192.0.2.2:7000"}, {"pub": "c", "endpoint": "192.0.2.2:7001"}]}'
node b '{"addresses": ["10.1.0.2/32", "fd01::2/128"], "announce": ["10.77.0.0/16"],
  "peers": [{"pub": "a", "endpoint": "192.0.2.1:7000"}]}'
node c '{"interface": "mesh2", "listen_port": 7001, "routes": {"metric": 4300}, "addresses": ["10.1.0.3/32"],
  "peers": [{"pub": "a", "endpoint": "192.0.2.1:7000"}]}'
run a
start c ip netns exec "$(ns b)" "$BIN/starlingd" -c "$work/c.json" --control "$work/c.sock"
run b
wait_for 20 "a reaches b" pings a 10.1.0.2
wait_for 20 "a knows c" has_route a 10.1.0.3

capture() { "$BIN/starling" --control "$work/a.sock" capture "$@"; }
# Names are written for the pings of a test that end it: `ping -c` with replies each way.
ping_b() { in_ns a ping -q -n -c "$1" -i 0.01 -W 5 "${@:2}" 10.1.0.2 >/dev/null || fail "pings are lost"; }
shark() {
  local file=$1; shift
  tshark -X "lua_script:$SOURCE_DIR/routing/starling.lua" -r "$file" "$@" 2>"$work/tshark.log" || fail "tshark: $(cat "$work/tshark.log")"
}
# The engine has the capture when its file has begun.
begun() { [ -s "$1" ]; }

note "into a file, ended by Ctrl-C"
start capture "$BIN/starling" --control "$work/a.sock" capture --peers -w "$work/a.pcapng"
capturer=$!
wait_for 5 "the capture begins" begun "$work/a.pcapng"
[ "$(stat -c %a "$work/a.pcapng")" = 600 ] || fail "others may read it: $(stat -c %A "$work/a.pcapng")"
ping_b 10 -s 100
in_ns b ping -q -n -c 3 -i 0.01 -W 5 fd01::1 >/dev/null || fail "pings are lost"
kill -INT "$capturer"
wait "$capturer" || fail "capture ended with status $?: $(cat "$work/capture.log")"
grep -qE "^starling: [0-9]+ packets captured into $work/a.pcapng$" "$work/capture.log" || fail "summary: $(cat "$work/capture.log")"
told=$(grep -oE "[0-9]+ packets" "$work/capture.log" | grep -oE "[0-9]+")
[ "$(shark "$work/a.pcapng" | wc -l)" = "$told" ] || fail "it tells of $told packets, tshark reads others"
count() { shark "${2:-$work/a.pcapng}" -Y "$1" | wc -l; }
[ "$(count 'icmp.type == 8 && ip.src == 10.1.0.1 && frame.packet_flags_direction == 2')" = 10 ] || fail "requests going out"
[ "$(count 'icmp.type == 0 && ip.src == 10.1.0.2 && frame.packet_flags_direction == 1')" = 10 ] || fail "answers coming in"
[ "$(count 'icmpv6.type == 128 && ipv6.src == fd01::2 && frame.packet_flags_direction == 1')" = 3 ] || fail "IPv6 requests coming in"
[ "$(count 'starling.type == 1')" -ge 2 ] || fail "no Hellos"
[ "$(count '_ws.expert.severity == error || starling.cut')" = 0 ] || fail "tshark finds faults: $(shark "$work/a.pcapng" -Y '_ws.expert.severity == error')"
# Real Hellos count up, and the neighbour that they came from is named.
shark "$work/a.pcapng" -Y "starling.hello.state == 3 && frame.packet_flags_direction == 1 && frame.comment == \"peer $(pub b)\"" -T fields -e starling.hello.sequence |
  awk 'NR > 1 && $1 != last + 1 { exit 1 } { last = $1 } END { exit NR < 2 }' || fail "Hellos of b do not count up"
[ "$(shark "$work/a.pcapng" -Y starling -T fields -e frame.comment | sort -u)" = "$(printf 'peer %s\n' "$(pub b)" "$(pub c)" | sort)" ] ||
  fail "the neighbours are not named: $(shark "$work/a.pcapng" -Y starling -T fields -e frame.comment | sort | uniq -c)"

note "all of an adjacency's messages: b begins a new life"
start capture "$BIN/starling" --control "$work/a.sock" capture --control-only -w "$work/control.pcapng"
capturer=$!
wait_for 5 "the capture begins" begun "$work/control.pcapng"
stop b
wait_for 5 "a hears the goodbye" has_event a neighbor.state '.to == "Down" and .reason == "goodbye"'
mv "$work/b.log" "$work/b1.log"
run b
wait_for 20 "a reaches b again" pings a 10.1.0.2
kill -INT "$capturer"
wait "$capturer" || fail "capture ended with status $?: $(cat "$work/capture.log")"
[ "$(count '!starling' "$work/control.pcapng")" = 0 ] || fail "--control-only has other packets"
types=$(shark "$work/control.pcapng" -T fields -e starling.type | sort -u | paste -sd' ')
[ "$types" = "1 2 3 4 5 6 7 8" ] || fail "messages of types $types, not of all eight"
[ "$(count 'starling.hello.flags.goodbye == 1 && frame.packet_flags_direction == 1' "$work/control.pcapng")" -ge 1 ] || fail "no goodbye"
[ "$(count 'starling.lsa.withdrawal && frame.packet_flags_direction == 1' "$work/control.pcapng")" -ge 1 ] || fail "no withdrawal"
for prefix in 10.1.0.2/32 fd01::2/128 10.77.0.0/16; do
  [ "$(count "starling.prefix == \"$prefix\" && starling.attributes.name == \"b\"" "$work/control.pcapng")" -ge 1 ] || fail "$prefix of b is not seen"
done
[ "$(count "starling.attributes.wireguard_key == \"$(pub b)\"" "$work/control.pcapng")" -ge 1 ] || fail "b's key is not seen"
[ "$(count '_ws.expert.severity == error' "$work/control.pcapng")" = 0 ] || fail "tshark finds faults: $(shark "$work/control.pcapng" -Y '_ws.expert.severity == error')"
shark "$work/control.pcapng" -V | found "Lua Error" && fail "Lua errors on real packets"

note "through a pipe into tcpdump and tshark; --count ends it"
(sleep 0.3; ping_b 20) &
out=$(capture -c 30 -w - 2>"$work/count.log" | tcpdump -nr - 2>"$work/tcpdump.log")
wait $!
[ "$(wc -l <<<"$out")" = 30 ] || fail "tcpdump reads $(wc -l <<<"$out") packets, not 30: $out"
grep -q "10.1.0.1 > 10.1.0.2: ICMP echo request" <<<"$out" || fail "tcpdump sees no ping: $out"
grep -q "^starling: 30 packets captured$" "$work/count.log" || fail "summary: $(cat "$work/count.log")"
out=$(capture --control-only -c 4 -w - 2>/dev/null | tshark -X "lua_script:$SOURCE_DIR/routing/starling.lua" -r - 2>/dev/null)
[ "$(grep -cE "Starling .* Hello seq [0-9]+ Full, digest [0-9a-f]{8}$" <<<"$out")" = 4 ] || fail "tshark in a pipe: $out"

note "what is dropped is there if asked for, with the reason; --snap-length cuts"
start capture "$BIN/starling" --control "$work/a.sock" capture --dropped -s 40 -w "$work/dropped.pcapng"
capturer=$!
wait_for 5 "the capture begins" begun "$work/dropped.pcapng"
in_ns a ip route add 203.0.113.0/24 dev mesh
in_ns a ping -q -n -c 2 -i 0.01 -W 0.1 203.0.113.9 >/dev/null
in_ns b ip addr add 198.51.100.7/32 dev lo
in_ns b ping -q -n -c 2 -i 0.01 -W 0.1 -I 198.51.100.7 10.1.0.1 >/dev/null
kill -INT "$capturer"
wait "$capturer" || fail "capture ended with status $?"
comments() { shark "$work/dropped.pcapng" -Y "frame.comment == \"dropped: $1\" && $2" | wc -l; }
[ "$(comments egress_no_route 'ip.dst == 203.0.113.9')" = 2 ] || fail "no packets without a route: $(shark "$work/dropped.pcapng" -Y frame.comment)"
[ "$(comments ingress_source_unknown 'ip.src == 198.51.100.7')" = 2 ] || fail "no packets from unknown sources"
[ "$(shark "$work/dropped.pcapng" -Y 'frame.cap_len > 40' | wc -l)" = 0 ] || fail "packets longer than 40 bytes"

note "a reader that does not read: the tunnel goes on, and what is missing is counted"
mkfifo "$work/pipe"
exec 5<>"$work/pipe" 6<"$work/pipe" 5>&- # a reader from the start, that reads nothing yet
"$BIN/starling" --control "$work/a.sock" capture -w - >"$work/pipe" 2>"$work/slow.log" 6<&- &
capturer=$!
pids+=($capturer)
readable() { read -r -t 0 -u 6; }
wait_for 5 "the capture begins" readable
in_ns a ping -q -n -f -c 8000 -s 1300 -l 32 -W 5 10.1.0.2 >"$work/flood.txt" || fail "pings are lost: $(tail -n 2 "$work/flood.txt")"
kill -INT "$capturer"
cat <&6 >"$work/slow.pcapng" &
reader=$!
pids+=($reader)
exec 6<&-
wait "$capturer" || fail "capture ended with status $?: $(cat "$work/slow.log")"
wait "$reader"
missing=$(sed -nE 's/^starling: [0-9]+ packets captured; ([0-9]+) more were not.*/\1/p' "$work/slow.log")
[ "${missing:-0}" -gt 1000 ] || fail "nothing is told to be missing: $(cat "$work/slow.log")"
there=$(shark "$work/slow.pcapng" -Y icmp | wc -l)
all=$(shark "$work/slow.pcapng" | wc -l)
# A ping that was lost on a busy machine is one packet, a whole one two.
pings=$(sed -nE 's/^([0-9]+) packets transmitted, ([0-9]+) received.*/\1+\2/p' "$work/flood.txt")
[ "${pings%+*}" = 8000 ] || fail "not all pings were sent: $(tail -n 2 "$work/flood.txt")"
[ $((all + missing)) -ge $((pings)) ] || fail "$all there and $missing missing are not all of $pings"
[ "$(capinfos -T -r -m -M -c "$work/slow.pcapng" | grep -c "$all")" = 1 ] || fail "the file is not whole"
note "   $there of $((pings)) pings in the file, $missing packets counted as missing"

note "a reader that is killed, one that talks, and more than there may be"
start killed "$BIN/starling" --control "$work/a.sock" capture -w "$work/killed.pcapng"
capturer=$!
wait_for 5 "the capture begins" begun "$work/killed.pcapng"
kill -KILL "$capturer"
wait "$capturer" 2>/dev/null
ping_b 5
shark "$work/killed.pcapng" >/dev/null # whole blocks, though nobody completed it
python3 - "$work/a.sock" <<'PY' || fail "the control socket"
import json, socket, sys, time

def client(request):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(sys.argv[1])
    s.sendall(request + b"\n")
    return s

def read_to_end(s):
    data = b""
    while chunk := s.recv(65536):
        data += chunk
    return data

def first_line(s):
    data = b""
    while not data.endswith(b"\n"):
        data += s.recv(1)
    return json.loads(data)

ok = {"ok": True}
# One that talks gets its file completed; one that is gone takes nothing with it.
s = client(b'{"command":"capture"}')
assert first_line(s) == ok
s.sendall(b"and more")
data = read_to_end(s)
assert data.startswith(b"\x0a\x0d\x0d\x0a"), data[:20]
assert data[-4:] == len(data[data.rindex(b"\x05\0\0\0"):]).to_bytes(4, "little"), "no statistics at the end"
many = [client(b'{"command":"capture"}') for _ in range(4)]
assert all(first_line(s) == ok for s in many)
fifth = client(b'{"command":"capture"}')
answer = first_line(fifth)
assert not answer["ok"] and "4 captures" in answer["error"], answer
fifth.sendall(b'{"command":"show","what":"status"}\n')  # refused, but still a client
assert first_line(fifth)["ok"]
for s in many: s.close()
for _ in range(200):  # noticed without a packet, or by the next Hello
    again = client(b'{"command":"capture"}')
    if first_line(again) == ok: break
    time.sleep(0.02)
else:
    sys.exit("their places are not free again")
again.close()
for request, words in ((b'{"command":"capture","control-only":true}', "control_only"),
                       (b'{"command":"capture","dropped":1}', "true or false"),
                       (b'{"command":"capture","packets":-1}', "number"),
                       (b'{"command":"capture","snap_length":4294967296}', "4294967295")):
    answer = first_line(client(request))
    assert not answer["ok"] and words in answer["error"], answer
PY
ping_b 5

note "errors say what is wrong"
expect() { # STATUS PATTERN ARGUMENTS...
  local status=$1 pattern=$2 got; shift 2
  timeout 10 "$BIN/starling" "$@" >"$work/out" 2>&1; got=$?
  [ $got = "$status" ] && grep -q -e "$pattern" "$work/out" || fail "starling $*: status $got: $(cat "$work/out")"
}
expect 2 'say `-w FILE`' capture
expect 2 'is one, and -i or --control says another' --control "$work/a.sock" capture mesh -w "$work/x"
expect 1 "/run/starling/none$$.sock: there is no such socket" capture "none$$" -w "$work/x"
[ ! -e "$work/x" ] || fail "a file was made for nothing"
expect 1 "cannot write $work/no/x" --control "$work/a.sock" capture -w "$work/no/x"
kill -0 "${pid[a]}" || fail "a has ended"

note "the daemon ends: its captures are complete"
start capture "$BIN/starling" --control "$work/a.sock" capture -w "$work/end.pcapng"
capturer=$!
wait_for 5 "the capture begins" begun "$work/end.pcapng"
stop a || fail "a ended with status $?"
wait "$capturer" || fail "capture ended with status $?: $(cat "$work/capture.log")"
exit 0
