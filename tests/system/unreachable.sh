#!/bin/bash
# What the underlay says by ICMP is heard, told with what would help, and looked into: a daemon that was killed is given up sooner
# for it, a filter that refuses a few packets costs those and nothing else.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command nft nftables
need_command python3

ns_add a
ns_add b
veth a b 198.18.0.1/30 198.18.0.2/30
node a '{"addresses": ["10.1.0.1/32"], "peers": [{"pub": "b", "endpoint": "198.18.0.2:7000"}]}'
node b '{"addresses": ["10.1.0.2/32"], "peers": [{"pub": "a", "endpoint": "198.18.0.1:7000"}]}'

show() { "$BIN/starling" show "$2" --json --control "$work/$1.sock"; }
is_full() { show a neighbors | jq -e '.[0].state == "Full"' >/dev/null; }
told() { count_events a tunnel.unreachable "$1"; }
was_down() { count_events a neighbor.state '.from == "Full" and .to == "Down"'; }
was_suspect() { count_events a neighbor.suspect ".suspect and .reason == \"$1\""; }
more_than() { [ "$("${@:2}")" -gt "$1" ]; }
flow=$SOURCE_DIR/tests/system/numbered_flow.py
begin_flow() { # PER_SECOND
  rm -f "$work/stop"
  start flow ip netns exec "$(ns a)" python3 "$flow" send 10.1.0.2 9000 "$1" "$work/stop"
  flow_pid=$!
}
end_flow() { touch "$work/stop"; wait "$flow_pid"; }
join() { # both run, and a reaches b
  wait_for 20 "a and b are neighbours" is_full
  wait_for 5 "a has the route to b" has_route a 10.1.0.2
  start echo ip netns exec "$(ns b)" python3 "$flow" echo 10.1.0.2 9000
  echo_pid=$!
  wait_for 5 "b answers the flow" shows ":9000 " in_ns b ss -Hlun
  wait_for 5 "a reaches b" pings a 10.1.0.2
}

note "b does not run yet: nobody listens at its port"
# One datagram each, so that what is refused can be counted.
STARLING_WITHOUT=udp-gso run a
named='.neighbor == "b" and .endpoint == "198.18.0.2:7000" and .from == "198.18.0.2" and .level == "warning"'
port=".meaning == \"port\" and (.hint | startswith(\"nobody listens on UDP port 7000 of 198.18.0.2\"))"
# Nobody has told a its name yet.
wait_for 10 "a says so" has_event a tunnel.unreachable ".endpoint == \"198.18.0.2:7000\" and .from == \"198.18.0.2\" and $port"
run b
join

note "packets to b that a filter refuses, now and then, and the neighbour stays"
in_ns b sysctl -qw net.ipv4.icmp_ratemask=0
in_ns b nft -f - <<'END' || skip "this kernel's nftables cannot refuse"
table ip moody {
  counter refused {}
  chain input {
    type filter hook input priority 0
    iifname "to-a" udp dport 7000 ip dscp != cs6 limit rate 20/second burst 1 packets counter name refused reject with icmp type admin-prohibited
  }
}
END
begin_flow 500
refused() { in_ns b nft -j list counter ip moody refused | jq '.nftables[].counter.packets // empty'; }
wait_for 10 "packets are refused" more_than 40 refused
in_ns b nft flush chain ip moody input
refused=$(refused)
end_flow
cat "$work/flow.log"
note "up to $refused packets were refused, a had $(was_suspect icmp) suspicions of it"
[ "$(jq .sent "$work/flow.log")" -gt 500 ] || fail "hardly any flow"
[ "$(jq .lost "$work/flow.log")" -gt 20 ] || fail "nothing was refused"
[ "$(jq .lost "$work/flow.log")" -le "$refused" ] || fail "more was lost than was refused"
[ "$(told '.meaning == "prohibited"')" = 1 ] || fail "told $(told '.meaning == "prohibited"') times"
has_event a tunnel.unreachable "$named and .meaning == \"prohibited\"" || fail "not told whole"
[ "$(was_down)" = 0 ] || fail "the neighbour was given up"
drops() { show a tunnels | jq '[.[] | .drops.send_failed // 0] | add'; }
[ "$(drops)" = 0 ] || fail "a has failed to send $(drops) times"
has_event a interface.warning && fail "an offload was switched off"

note "b is killed, and a has nothing to say to it but Hello"
stop b KILL
wait_for 5 "a gives b up" more_than 0 was_down
wait_for 5 "a says that nobody listens there" has_event a tunnel.unreachable "$named and $port"
[ "$(was_suspect icmp)" -ge 1 ] || fail "not suspected for what ICMP says"
before=$(told "$port")
kill "$echo_pid"
run b
join

note "b is killed under traffic"
sent() { show a tunnels | jq '[.[] | .tx_packets // 0] | add'; }
sent=$(sent)
begin_flow 1000
wait_for 5 "the flow is under way" more_than $((sent + 100)) sent
stop b KILL
wait_for 5 "a gives b up" more_than 1 was_down
end_flow
wait_for 5 "a says again that nobody listens there, since b was well meanwhile" more_than "$before" told "$port"
[ "$(told "$port")" = $((before + 1)) ] || fail "told $(told "$port") times"
took_ms=$(jq -s '([.[] | select(.event == "neighbor.state" and .to == "Down")][-1].mono_ns - [.[] | select(.event == "tunnel.unreachable")][-1].mono_ns) / 1e6 | round' "$work/a.log")
note "given up $took_ms ms after the first word of ICMP"

note "starling-wg says it as well"
stop a
printf '[Interface]\nPrivateKey = %s\n[Peer]\nPublicKey = %s\nEndpoint = 198.18.0.2:4002\nAllowedIPs = 10.9.0.2/32\n' "$(key a)" "$(pub b)" >"$work/wg.conf"
start wg ip netns exec "$(ns a)" "$BIN/starling-wg" -f --config "$work/wg.conf" wg0
wait_for 5 "starling-wg is ready" grep -q ready "$work/wg.log"
ip -n "$(ns a)" addr add 10.9.0.1/24 dev wg0
pings a 10.9.0.2 && fail "nobody answers"
wait_for 5 "it warns" grep -qE 'unreachable: 198\.18\.0\.2 says .* at 198\.18\.0\.2:4002: nobody listens on UDP port 4002' "$work/wg.log"
grep unreachable "$work/wg.log"
exit 0
