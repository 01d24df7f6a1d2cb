#!/bin/bash
# A stock WireGuard peer (Debian's wireguard-go with static AllowedIPs) at one node is reached from another, two hops
# through the mesh, and reaches back.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command wireguard-go

for n in a b s; do ns_add $n; forwarding $n; done
veth a b 192.0.2.1/24 192.0.2.2/24
veth b s 198.51.100.1/24 198.51.100.2/24
stock="sw$$"  # wireguard-go's socket directory is shared by all namespaces
node a '{"addresses": ["10.1.0.1/32", "fd01::1/128"], "peers": [{"pub": "b", "endpoint": "192.0.2.2:7000"}]}'
node b '{"addresses": ["10.1.0.2/32", "fd01::2/128"],
         "peers": [{"pub": "a"}, {"pub": "s", "endpoint": "198.51.100.2:7001", "routing": false, "allowed_ips": ["10.9.0.1/32", "fd09::/64"]}]}'

WG_PROCESS_FOREGROUND=1 start stock ip netns exec "$(ns s)" wireguard-go -f "$stock"
has_stock() { in_ns s ip link show dev "$stock"; }
wait_for 10 "wireguard-go is up" has_stock
in_ns s wg set "$stock" private-key <(key s) listen-port 7001 peer "$(pub b)" endpoint 198.51.100.1:7000 allowed-ips 10.1.0.0/16,fd01::/64 ||
  fail "wg set"
in_ns s ip addr add 10.9.0.1/32 dev "$stock"
in_ns s ip addr add fd09::1/128 dev "$stock"
in_ns s ip link set "$stock" up
in_ns s ip route add 10.1.0.0/16 dev "$stock"
in_ns s ip -6 route add fd01::/64 dev "$stock"
run a
run b

wait_for 20 "a learns the stock peer's prefix" has_route a 10.9.0.1
wait_for 20 "b leads to it" has_route b 10.9.0.1
wait_for 20 "a reaches the stock peer over IPv4" pings a 10.9.0.1
wait_for 20 "a reaches the stock peer over IPv6" pings a fd09::1
wait_for 20 "the stock peer reaches a" pings s 10.1.0.1
shows " 0% packet loss" in_ns a ping -q -i 0.05 -c 20 10.9.0.1 || fail "packets are lost"
[ "$(count_events b neighbor.state)" -gt 0 ] || fail "b has no events"
has_event b neighbor.state ".neighbor == \"$(pub s)\"" && fail "b says Hello to a stock peer"
exit 0
