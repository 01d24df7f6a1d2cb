#!/bin/bash
# Two real daemons over a veth: packets of both families, kernel routes as documented, hostile datagrams, a clean end.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command python3

for n in a b; do ns_add $n; forwarding $n; done
veth a b 192.0.2.1/24 192.0.2.2/24
node a '{"addresses": ["10.1.0.1/32", "fd01::1/128"], "peers": [{"pub": "b", "endpoint": "192.0.2.2:7000"}]}'
node b '{"addresses": ["10.1.0.2/32", "fd01::2/128"], "announce": ["10.77.0.0/16"], "nice": 5, "peers": [{"pub": "a"}]}'
run a
STARLING_AEAD=libsodium run b

note "each says what encrypts its packets"
has_event a daemon.ready ".aead == \"$(aead_here)\"" || fail "a does not use $(aead_here): $(grep daemon.ready "$work/a.log")"
has_event b daemon.ready '.aead == "libsodium"' || fail "b was told to use libsodium: $(grep daemon.ready "$work/b.log")"

note "they take the priority of a router, or that of the configuration, in every thread"
nice_of() { ps -L -o ni= -p "${pid[$1]}" | sort -u | tr -d ' \n'; }
inherited=$(ps -o ni= -p $$ | tr -d ' ')
[ "$(nice_of a)" = $((inherited == 0 ? -10 : inherited)) ] || fail "a runs at nice $(nice_of a), started at $inherited"
[ "$(nice_of b)" = 5 ] || fail "b runs at nice $(nice_of b)"
shows ', nice 5$' "$BIN/starling" check "$work/b.json" || fail "check does not name it: $("$BIN/starling" check "$work/b.json")"
ns_add c
node c '{"nice": -20}'
start c ip netns exec "$(ns c)" setpriv --bounding-set=-sys_nice "$BIN/starlingd" -c "$work/c.json" --control "$work/c.sock"
wait_for 20 "c starts without the permission, too" has_event c daemon.ready
has_event c interface.warning '.reason | startswith("nice -20 is refused: Permission denied")' ||
  fail "c does not say that its priority was refused: $(cat "$work/c.log")"

note "both families carry packets"
wait_for 20 "a reaches b over IPv4" pings a 10.1.0.2
wait_for 20 "b reaches a over IPv6" pings b fd01::1

note "kernel routes: protocol, metric, preferred source, next hop"
b_link_local=$(in_ns b ip -j -6 addr show dev mesh scope link | jq -r '[.[].addr_info[]?.local // empty] | join(" ")')
[[ $b_link_local =~ ^fe80::[0-9a-f:]+$ ]] || fail "b has not one link-local address: $b_link_local"
shows "^10\.77\.0\.0/16 via inet6 $b_link_local dev mesh.* src 10\.1\.0\.1 metric 4201" routes a ||
  fail "IPv4 route of a: $(routes a)"
shows "^fd01::2 via $b_link_local dev mesh.* src fd01::1 metric 4201" routes a 6 || fail "IPv6 route of a: $(routes a 6)"
shows "dev mesh src 10.1.0.1" in_ns a ip route get 10.77.1.1 || fail "the route is not used"

note "hostile datagrams stop nothing, and are counted"
in_ns b python3 - <<'PY'
import os, random, socket, struct
random.seed(1)
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(2000):
    size = random.choice([0, 1, 31, 32, 64, 92, 148, 1400])
    data = bytearray(random.randbytes(size))
    if size >= 4 and i % 2: data[0:4] = struct.pack("<I", random.choice([1, 2, 3, 4]))  # the four message types
    out.sendto(data, ("192.0.2.1", 7000))
PY
drops() { "$BIN/starling" show tunnels --json --control "$work/a.sock" | jq '[.[] | select(.name == null) | .drops[]] | add // 0'; }
counted() { [ "$(drops)" -ge 1000 ]; }
wait_for 10 "a counts what it dropped" counted
pings a 10.1.0.2 || fail "a is deaf after garbage"
kill -0 "${pid[a]}" || fail "a has ended"

note "the powers of root are given up, but for the network's"
grep -q '^CapEff:.0000000000001000$' "/proc/${pid[b]}/status" || fail "capabilities: $(grep Cap "/proc/${pid[b]}/status")"
grep -q '^NoNewPrivs:.1$' "/proc/${pid[b]}/status" || fail "new privileges could be had"

note "a second daemon for the same socket does not start, and does not disturb the first"
in_ns a "$BIN/starlingd" -c "$work/a.json" --control "$work/a.sock" >"$work/second.log" 2>&1
[ $? = 1 ] || fail "a second daemon started"
has_route a 10.1.0.2 || fail "the second daemon took the first one's routes"

note "a clean end: withdrawn at the neighbour, nothing left behind"
stop b || fail "b ended with status $?"
wait_for 2 "a has withdrawn b's prefixes" has_no_route a 10.77.0.0/16
wait_for 2 "a heard the goodbye" has_event a neighbor.state '.to == "Down" and .reason == "goodbye" and .neighbor == "b"'
has_event a route.remove '.prefix == "10.77.0.0/16" and .cause.origin == "b"' || fail "the cause lost its name with the goodbye"
[ -z "$(routes b)$(routes b 6)" ] || fail "b left routes: $(routes b) $(routes b 6)"
in_ns b ip link show dev mesh >/dev/null 2>&1 && fail "b left its interface"
[ ! -e "$work/b.sock" ] || fail "b left its socket"
stop a INT || fail "a ended with status $?"

note "a signal while it starts (many peers, so that this takes a moment) is a clean end too"
python3 -c '
import base64, json, random
print(json.dumps([{"public_key": base64.b64encode(random.randbytes(32)).decode(), "routing": False} for i in range(3000)]))' >"$work/peers"
jq --slurpfile peers "$work/peers" '.peers = $peers[0]' "$work/b.json" >"$work/many.json"
start many ip netns exec "$(ns b)" "$BIN/starlingd" -c "$work/many.json" --control "$work/many.sock"
pid[many]=$!
wait_for 10 "it makes its socket" test -S "$work/many.sock"
stop many || fail "it ended with status $?"
[ ! -e "$work/many.sock" ] || fail "it left its socket"

note "an interface deleted under it: one error that says so, and no other"
rm -f "$work"/[ab].log
run a
run b
wait_for 20 "a reaches b again" pings a 10.1.0.2
in_ns a ip link del mesh
wait "${pid[a]}"
[ $? = 1 ] || fail "a ended with status $?"
grep -q '"daemon.stop","level":"error".*was removed' "$work/a.log" || fail "a does not say why it ended"
grep -q route.failed "$work/a.log" && fail "a complains about routes of an interface that is gone"
[ ! -e "$work/a.sock" ] || fail "a left its socket"
exit 0
