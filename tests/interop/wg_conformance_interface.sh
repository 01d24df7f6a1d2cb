#!/usr/bin/env bash
# wg_conformance_interface.sh LEFT RIGHT: the interface apart from its engine: born in one namespace and used in another, taken
# down and up again, a tunnel in a tunnel, a tunnel into itself, and a default route with a firewall mark.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command nft nftables

note "both engines in the middle, where they talk over its loopback; the interfaces elsewhere, where nothing else is"
ns_add middle
ns_add l
ns_add r
make_keys l r l2 r2
engine "$1" l middle
engine "$2" r middle
move_interface l l
move_interface r r
configure_tunnel 127.0.0.1:4002
expect_answer l 10.9.0.2
expect_answer r fd09::1
expect_shown r endpoints l 127.0.0.1:4001
wg_set l peer "$(public_key r)" endpoint '[::1]:4002'
expect_answer l fd09::2
expect_answer r 10.9.0.1
expect_shown r endpoints l '[::1]:4001'
in_ns l ping -q -n -c 1 -W 1 127.0.0.1 >/dev/null || fail "l lost its loopback"

note "moved once more, with its session"
ns_add elsewhere
handshake=$(wg_show l latest-handshakes r)
move_interface l elsewhere
address l 10.9.0.1/24 fd09::1/64
link l mtu 1420 up
expect_answer elsewhere 10.9.0.2
expect_answer r fd09::1
move_interface l l
address l 10.9.0.1/24 fd09::1/64
link l mtu 1420 up
expect_answer l 10.9.0.2

note "a tunnel in the tunnel"
engine "$1" l2 l
engine "$2" r2 r
wg_set l2 private-key "$work/l2.key" listen-port 5001 peer "$(public_key r2)" allowed-ips 10.7.0.2/32,fd07::2/128 \
  endpoint 10.9.0.2:5002
wg_set r2 private-key "$work/r2.key" listen-port 5002 peer "$(public_key l2)" allowed-ips 10.7.0.1/32,fd07::1/128
address l2 10.7.0.1/24 fd07::1/64
address r2 10.7.0.2/24 fd07::2/64
link l2 mtu 1340 up
link r2 mtu 1340 up
pings l 5 10.7.0.2
pings r 5 fd07::1
expect_shown r2 endpoints l2 10.9.0.1:5001
expect_answer l 10.7.0.2 -s 1312 -M "do"

note "down: no socket is left, and nothing goes; up: all is as before"
listens() { in_ns "$1" grep -qi ":$(printf '%04X' "$2") " /proc/net/udp; }
listens l 5001 || fail "l2 ($(name_of l2)) has no socket on port 5001: $(in_ns l cat /proc/net/udp)"
link l2 down
silent() { ! listens l 5001; }
# wireguard-go does not see its interface go down, on the kernels of today.
[ "$1" = go ] || wait_for 5 "l2 ($(name_of l2)) gives up its port when it goes down" silent
expect_no_answer r 10.7.0.1
prefixes=$(wg_show l2 allowed-ips r2)
[ "$prefixes" = "10.7.0.2/32 fd07::2/128" ] || fail "l2 ($(name_of l2)) forgot its peers: '$prefixes'"
link l2 up
ip -n "$(ns l)" addr replace fd07::1/64 dev "$(wg_interface l2)" nodad # which the kernel took when it went down
wait_for 5 "l2 ($(name_of l2)) takes its port again" listens l 5001
expect_answer l 10.7.0.2
expect_answer r fd07::1

note "a default route through the tunnel, but not for its own packets (firewall mark, policy routing)"
ns_add home
ns_add server
veth home server 192.0.2.1/24 192.0.2.2/24 2001:db8::1/64 2001:db8::2/64 2>/dev/null
ip -n "$(ns home)" route add default via 192.0.2.2
ip -n "$(ns server)" addr add 203.0.113.1/32 dev lo
make_keys h s
engine "$1" h home
engine "$2" s server
wg_set h private-key "$work/h.key" fwmark 0xca6c peer "$(public_key s)" allowed-ips 0.0.0.0/0,::/0 endpoint 203.0.113.1:6002
wg_set s private-key "$work/s.key" listen-port 6002 peer "$(public_key h)" allowed-ips 10.6.0.1/32,fd06::1/128
address h 10.6.0.1/32 fd06::1/128
address s 10.6.0.2/24 fd06::2/64 198.51.100.9/32
link h mtu 1420 up
link s mtu 1420 up
for family in -4 -6; do
  ip -n "$(ns home)" $family route add default dev "$(wg_interface h)" table 51820
  ip -n "$(ns home)" $family rule add not fwmark 0xca6c table 51820
  ip -n "$(ns home)" $family rule add table main suppress_prefixlength 0
done
expect_answer home 10.6.0.2
expect_answer home fd06::2
expect_answer home 198.51.100.9
expect_answer server 10.6.0.1
[ "$(wg_show h fwmark)" = 0xca6c ] || fail "h ($(name_of h)) shows the mark $(wg_show h fwmark), not 0xca6c"
wg_set h fwmark 0
[ "$(wg_show h fwmark)" = off ] || fail "h ($(name_of h)) shows the mark $(wg_show h fwmark), not off"

note "without the mark the tunnel's own packets are led into it: one ping does not become many"
if [ "$1" != go ]; then # wireguard-go feeds itself without end
  before=$(tx_bytes h s)
  expect_no_answer home 10.6.0.2
  sent=$(($(tx_bytes h s) - before))
  limit=1024
  [ "$1" = kernel ] && limit=65536 # it goes round until the packet has grown too large
  [ "$sent" -le "$limit" ] || fail "h ($(name_of h)) sent $sent bytes for one ping"
fi
wg_set h fwmark 0xca6c
expect_answer home 10.6.0.2
note "ok"
