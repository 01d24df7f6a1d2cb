#!/bin/bash
# `starling drain` under a real flow that passes through the node: nothing is lost when it is drained, killed without a word
# afterwards, or let back in.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command python3
starling=$BIN/starling
flow=$SOURCE_DIR/tests/system/numbered_flow.py

# a - b - d costs 20, a - c - d costs 40
for n in a b c d; do ns_add $n; forwarding $n; done
veth a b 192.0.2.1/30 192.0.2.2/30
veth b d 192.0.2.5/30 192.0.2.6/30
veth a c 192.0.2.9/30 192.0.2.10/30
veth c d 192.0.2.13/30 192.0.2.14/30
node a '{"addresses": ["10.1.0.1/32"], "peers": [{"pub": "b", "endpoint": "192.0.2.2:7000"}, {"pub": "c", "endpoint": "192.0.2.10:7000", "cost": 20}]}'
node b '{"addresses": ["10.1.0.2/32"], "peers": [{"pub": "a", "endpoint": "192.0.2.1:7000"}, {"pub": "d", "endpoint": "192.0.2.6:7000"}]}'
node c '{"addresses": ["10.1.0.3/32"], "peers": [{"pub": "a", "endpoint": "192.0.2.9:7000", "cost": 20}, {"pub": "d", "endpoint": "192.0.2.14:7000", "cost": 20}]}'
node d '{"addresses": ["10.1.0.4/32"], "peers": [{"pub": "b", "endpoint": "192.0.2.5:7000"}, {"pub": "c", "endpoint": "192.0.2.13:7000", "cost": 20}]}'
for n in a b c d; do run $n; done

show() { "$starling" show "$2" --json --control "$work/$1.sock"; }
# goes_by NAME PREFIX NEIGHBOR
goes_by() { show "$1" routes | jq -e --arg prefix "$2" --arg hop "$3" '.[] | select(.prefix == $prefix) | .next_hops == [$hop]' >/dev/null; }
wait_for 20 "a reaches d through b" goes_by a 10.1.0.4/32 b
wait_for 20 "d reaches a through b" goes_by d 10.1.0.1/32 b
wait_for 20 "c is there" pings a 10.1.0.3
wait_for 20 "packets pass" pings a 10.1.0.4

start echo ip netns exec "$(ns d)" "$flow" echo 10.1.0.4 4000
wait_for 10 "the echo listens" shows "10.1.0.4:4000" in_ns d ss -Hlun
start flow ip netns exec "$(ns a)" "$flow" send 10.1.0.4 4000 500 "$work/stop"
sender=$!
# Packets that a's tunnel to b has carried
passed() { show b tunnels | jq '.[] | select(.name == "a") | .rx_packets'; }
more_pass() { [ "$(passed)" -gt "$1" ]; }
wait_for 10 "the flow passes through b" more_pass "$(($(passed) + 200))"

note "drained: the flow is elsewhere by the time that the command returns"
"$starling" drain --control "$work/b.sock" >"$work/drain.txt" || fail "drain ended with status $?"
grep -q '^drained: .* 2 neighbours in Full know$' "$work/drain.txt" || fail "drain says: $(cat "$work/drain.txt")"
goes_by a 10.1.0.4/32 c || fail "a still sends to b"
goes_by d 10.1.0.1/32 c || fail "d still sends to b"
pings a 10.1.0.2 || fail "b itself is out of reach"
[ "$(show b status | jq .drained)" = true ] || fail "b does not show that it is drained"
"$starling" show status --control "$work/b.sock" | found '^drained  *yes' || fail "the text does not either"
"$starling" show neighbors --control "$work/b.sock" | found 'last resort' || fail "its neighbours cost as before"
[ "$(show d lsdb | jq '.[] | select(.origin == "b") | .drained')" = true ] || fail "d does not know why"
[ "$("$starling" drain --json --control "$work/b.sock" | jq -c .)" = '{"drained":true,"neighbors_full":2,"unacknowledged":0}' ] ||
  fail "drain again does not answer the same"
[ "$(count_events b node.drain)" = 1 ] || fail "the log does not tell of it once"

note "and back"
"$starling" undrain --control "$work/b.sock" >"$work/undrain.txt" || fail "undrain ended with status $?"
goes_by a 10.1.0.4/32 b || fail "a does not come back"
wait_for 10 "the flow passes through b again" more_pass "$(($(passed) + 200))"

note "drained again, and killed without a word"
"$starling" drain --control "$work/b.sock" >/dev/null || fail "drain ended with status $?"
stop b KILL
wait_for 10 "a has lost b" has_event a neighbor.state '.neighbor == "b" and .to == "Down"'
wait_for 10 "d has lost b" has_event d neighbor.state '.neighbor == "b" and .to == "Down"'
touch "$work/stop"
wait "$sender" || fail "the flow broke: $(cat "$work/flow.log")"
note "the flow: $(cat "$work/flow.log")"
# 500 a second; how many there were depends on how long the commands took.
jq -e ".sent > 500 and .lost == 0" "$work/flow.log" >/dev/null || fail "packets were lost, or there was hardly a flow: $(cat "$work/flow.log")"

note "what a program ends with when nobody listens, or says nonsense"
"$starling" drain --control "$work/b.sock" >/dev/null 2>"$work/nobody"; [ $? = 1 ] || fail "drain of a dead daemon succeeds"
"$starling" drain now >/dev/null 2>&1; [ $? = 2 ] || fail "drain takes any word"
exit 0
