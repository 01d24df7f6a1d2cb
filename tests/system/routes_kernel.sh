#!/bin/bash
# The kernel's routes are kept as documented: stale ones of a crash are swept wherever they are, foreign ones never
# touched, vanished ones put back, and a missing forwarding switch is told.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq

for n in a b; do ns_add $n; done
forwarding b
in_ns a sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
veth a b 192.0.2.1/24 192.0.2.2/24
node a '{"addresses": ["10.1.0.1/32", "fd01::1/128"], "peers": [{"pub": "b", "endpoint": "192.0.2.2:7000"}]}'
node b '{"addresses": ["10.1.0.2/32", "fd01::2/128"], "announce": ["10.77.0.0/16", "10.78.0.0/16"],
         "peers": [{"pub": "a", "endpoint": "192.0.2.1:7000"}]}'

note "planted before the start: stale routes of ours on another device, foreign ones with one number different"
in_ns a ip route add 10.66.1.0/24 dev to-b proto 201 metric 4201
in_ns a ip -6 route add fd66:1::/48 dev to-b proto 201 metric 4201
in_ns a ip route add 10.66.2.0/24 dev to-b proto 201 metric 4201 table 4201
in_ns a ip rule add not fwmark 4201 lookup 4201 pref 4201 protocol 201
in_ns a ip route add 10.66.3.0/24 dev to-b proto 200 metric 4201
in_ns a ip route add 10.66.4.0/24 dev to-b proto 201 metric 4202
in_ns a ip route add 10.78.0.0/16 dev to-b proto static metric 4201
run a
[ "$(routes a | grep -c '10\.66\.[12]\.')" = 0 ] || fail "stale IPv4 routes: $(routes a)"
[ -z "$(routes a 6 | grep fd66)" ] || fail "stale IPv6 route"
shows 4201 in_ns a ip rule && fail "stale rule"
shows 10.66.3.0/24 in_ns a ip route show proto 200 || fail "a route of another protocol was removed"
shows 10.66.4.0/24 in_ns a ip route show proto 201 metric 4202 || fail "a route of another metric was removed"

run b
wait_for 20 "a reaches b" pings a 10.1.0.2

note "forwarding is off while transit is on: an error per family, with the remedy"
for family in ipv4 ipv6; do
  wait_for 10 "forwarding.disabled for $family" has_event a forwarding.disabled ".family == \"$family\" and (.remedy | contains(\"sysctl -w\"))"
done
has_event b forwarding.disabled && fail "b forwards, and complains"

note "a foreign route with our prefix and metric is left alone, and ours comes when it goes"
wait_for 10 "the conflict is told" has_event a route.conflict '.prefix == "10.78.0.0/16"'
shows "proto static" in_ns a ip route show 10.78.0.0/16 || fail "the foreign route was replaced"
status_of() { "$BIN/starling" show routes --json --control "$work/a.sock" | jq -r --arg prefix "$1" '.[] | select(.prefix == $prefix) | "\(.status) \(.reason)"'; }
[ "$(status_of 10.78.0.0/16)" = "failed another program's route has this prefix and our metric" ] ||
  fail "show routes: $(status_of 10.78.0.0/16)"
[ "$(status_of 10.77.0.0/16)" = "installed null" ] || fail "show routes: $(status_of 10.77.0.0/16)"
in_ns a ip route del 10.78.0.0/16 metric 4201
wait_for 10 "our route takes its place" has_route a 10.78.0.0/16
[ "$(status_of 10.78.0.0/16)" = "installed null" ] || fail "show routes: $(status_of 10.78.0.0/16)"

note "what vanishes is put back: routes of both families, and addresses"
in_ns a ip route del 10.77.0.0/16 metric 4201
wait_for 10 "the IPv4 route is back" has_route a 10.77.0.0/16
wait_for 10 "it is told" has_event a route.restored '.prefix == "10.77.0.0/16"'
in_ns a ip -6 route del fd01::2/128 metric 4201
wait_for 10 "the IPv6 route is back" has_route a fd01::2 6
in_ns a ip addr del 10.1.0.1/32 dev mesh
has_address() { shows "10.1.0.1/32" in_ns a ip -4 addr show dev mesh; }
wait_for 10 "the address is back" has_address
wait_for 10 "the routes with that source are back" has_route a 10.77.0.0/16
wait_for 10 "a reaches b again" pings a 10.1.0.2
in_ns a ip link set mesh down
in_ns a ip link set mesh up
wait_for 10 "after the link was down, routes are back" has_route a 10.77.0.0/16
wait_for 10 "a reaches b once more" pings a fd01::2

note "a prefix that is withdrawn is no vanished one"
restored=$(count_events a route.restored '.prefix == "10.1.0.2/32"')
stop b || fail "b ended with status $?"
wait_for 5 "a withdraws" has_no_route a 10.1.0.2
[ "$(count_events a route.restored '.prefix == "10.1.0.2/32"')" = "$restored" ] || fail "a fought its own removal"

note "killed, and started again: nothing of the first run stays"
run b
wait_for 20 "a has routes again" has_route a 10.77.0.0/16
in_ns a ip route add 10.66.5.0/24 dev to-b proto 201 metric 4201
stop a KILL
rm -f "$work/a.log"
run a
[ -z "$(routes a | grep 10.66.5)" ] || fail "a stale route survived the restart"
wait_for 20 "a reaches b after the restart" pings a 10.1.0.2

note "all ours are removed at the end, all others stay"
stop a || fail "a ended with status $?"
[ -z "$(routes a | grep -v 'metric 4202')$(routes a 6)" ] || fail "left behind: $(routes a) $(routes a 6)"
shows 10.66.3.0/24 in_ns a ip route show proto 200 || fail "a foreign route went with ours"
shows 10.66.4.0/24 in_ns a ip route show proto 201 metric 4202 || fail "a foreign route went with ours"
exit 0
