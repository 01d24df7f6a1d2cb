#!/usr/bin/env bash
# wg_conformance_keepalive.sh LEFT RIGHT: a persistent keepalive begins at once, keeps its interval, and keeps a NAT open.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command nft nftables
ns_add l
ns_add nat
ns_add r
veth l nat 10.0.0.2/24 10.0.0.1/24 2>/dev/null
veth nat r 192.0.2.1/24 192.0.2.2/24 2>/dev/null
ip -n "$(ns l)" route add default via 10.0.0.1
in_ns nat sysctl -q net.ipv4.ip_forward=1
in_ns nat nft -f - <<END || fail "nft"
table ip nat {
  chain postrouting { type nat hook postrouting priority srcnat; oifname "to-r" masquerade random; }
}
END
in_ns nat sysctl -q net.netfilter.nf_conntrack_udp_timeout=3 net.netfilter.nf_conntrack_udp_timeout_stream=3 2>/dev/null ||
  skip "needs connection tracking in network namespaces"
make_keys l r
engine "$1" l
engine "$2" r
configure_tunnel 192.0.2.2:4002
peer_r=$(public_key r)

note "0 to 600 without a session: a handshake at once"
wg_set l peer "$peer_r" persistent-keepalive 600
expect_shown l persistent-keepalive r 600
wait_for 3 "l ($(name_of l)) starts a handshake" handshake_done r l
at_l=$(wg_show r endpoints l)
[[ $at_l == 192.0.2.1:* ]] || fail "r ($(name_of r)) sees l at $at_l, not behind the NAT's 192.0.2.1"

note "0 to 600 with one: an empty packet of 32 bytes at once"
wg_set l peer "$peer_r" persistent-keepalive 0
expect_shown l persistent-keepalive r off
before=$(rx_bytes r l)
wg_set l peer "$peer_r" persistent-keepalive 600
await_received r l $((before + 32)) 3 "a keepalive of l ($(name_of l))"
[ "$(rx_bytes r l)" = $((before + 32)) ] || fail "r ($(name_of r)) received $(($(rx_bytes r l) - before)) bytes, not 32"

note "every second, past the NAT's timeout of 3 s: r can still begin"
wg_set l peer "$peer_r" persistent-keepalive off
wg_set l peer "$peer_r" persistent-keepalive 1
before=$(rx_bytes r l)
await_received r l $((before + 32)) 3 "a keepalive of l ($(name_of l))"
at_l=$(wg_show r endpoints l)
await_received r l $((before + 5 * 32)) 10 "four more keepalives of l ($(name_of l))"
[ $((($(rx_bytes r l) - before) % 32)) = 0 ] || fail "something else than keepalives came: $(($(rx_bytes r l) - before)) bytes"
in_ns r ping -q -n -c 1 -W 1 10.9.0.1 >"$work/ping.log" || fail "r cannot reach l through the NAT"
expect_shown r endpoints l "$at_l"

note "without keepalives the NAT forgets, and r cannot"
wg_set l peer "$peer_r" persistent-keepalive off
sleep 3.5 # the NAT's timeout; its own count of connections goes down much later
expect_no_answer r 10.9.0.1
note "until l sends again, and r follows to the NAT's next port"
expect_answer l 10.9.0.2
expect_answer r 10.9.0.1
note "ok"
