#!/usr/bin/env bash
# wg_conformance_mtu.sh LEFT RIGHT: the MTU changed while packets flow, padding that never passes it, and an underlay with a
# smaller one.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command nft nftables
tunnel "$1" "$2"
both_mtu() { link l mtu "$1"; link r mtu "$1"; }
underlay_mtu() {
  ip -n "$(ns l)" link set to-r mtu "$1" && ip -n "$(ns r)" link set to-l mtu "$1" || fail "MTU $1 of the underlay"
}
# whole NODE ADDRESS BYTES: an IPv4 packet of this size goes through in one piece, and its answer
whole() { expect_answer "$1" "$2" -M "do" -s $(($3 - 28)); }
pings l 1 10.9.0.2

note "1420 to 1300"
both_mtu 1300
whole l 10.9.0.2 1300
whole r 10.9.0.1 1300
expect_no_answer l 10.9.0.2 -M "do" -s 1273
expect_answer l 10.9.0.2 -s 4000
for size in 1257 1264 1265 1271 1272; do pings l 1 10.9.0.2 "$size"; done

note "padding stays within 1300: no datagram has more than 1300 + 32 bytes"
count r too_long input udp dport 4002 udp length ">" 1340
count r datagrams input udp dport 4002
for size in 1265 1266 1267 1268 1269 1270 1271 1272; do pings l 1 10.9.0.2 "$size"; done
[ "$(counted r too_long)" = 0 ] || fail "$(counted r too_long) of $(counted r datagrams) datagrams of l ($(name_of l)) are longer than 1332 bytes"
[ "$(counted r datagrams)" -ge 8 ] || fail "only $(counted r datagrams) datagrams were counted"

note "up to 8900"
underlay_mtu 9000
both_mtu 8900
whole l 10.9.0.2 8900
whole r 10.9.0.1 8900
pings l 1 fd09::2 8852
pings r 1 fd09::1 8852

note "back to 1420, on an underlay of 1400: the outer datagrams are fragmented"
both_mtu 1420
underlay_mtu 1400
whole l 10.9.0.2 1420
whole r 10.9.0.1 1420
expect_answer l fd09::2 -s 1372
note "ok"
