#!/usr/bin/env bash
# wg_conformance_roaming.sh LEFT RIGHT: l wanders, in both families and between them, and r follows; r's answers come from the
# address that was asked.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
tunnel "$1" "$2"
peer_l=$(public_key l) peer_r=$(public_key r)
underlay_address() { ip -n "$(ns "$1")" addr "$2" "$3" dev "$4" "${@:5}" || fail "$2 $3 at $1"; }
# lost NODE ENDPOINT: an address that the node had sent from is gone. wireguard-go notices by EINVAL alone; since the kernel
# says ENETUNREACH, only an endpoint set anew makes it look for another source.
lost() {
  if [ "${wg_kind[$1]}" = go ]; then wg_set "$1" peer "$peer_r" endpoint "$2"; fi
}
# follows ENDPOINT_OF_L ENDPOINT_OF_R: one ping from l, and r knows it there, and reaches it there; l still knows r
follows() {
  expect_answer l 10.9.0.2
  expect_shown r endpoints l "$1"
  expect_answer r 10.9.0.1
  expect_shown l endpoints r "$2"
}
follows 192.0.2.1:4001 192.0.2.2:4002

note "another address of the same family, another port"
in_ns l sysctl -q net.ipv4.conf.all.promote_secondaries=1 # or the second address goes with the first
underlay_address l add 192.0.2.11/24 to-r
underlay_address l del 192.0.2.1/24 to-r
lost l 192.0.2.2:4002
follows 192.0.2.11:4001 192.0.2.2:4002
wg_set l listen-port 4003
expect_shown r endpoints l 192.0.2.11:4001
follows 192.0.2.11:4003 192.0.2.2:4002

note "to IPv6, to another address of it, and back"
wg_set l peer "$peer_r" endpoint '[2001:db8::2]:4002'
follows '[2001:db8::1]:4003' '[2001:db8::2]:4002'
underlay_address l add 2001:db8::11/64 to-r nodad
underlay_address l del 2001:db8::1/64 to-r
lost l '[2001:db8::2]:4002'
follows '[2001:db8::11]:4003' '[2001:db8::2]:4002'
wg_set l peer "$peer_r" endpoint 192.0.2.2:4002
follows 192.0.2.11:4003 192.0.2.2:4002

note "r wanders as well, and l is led by its packets"
wg_set r listen-port 4004
expect_answer r 10.9.0.1
expect_shown l endpoints r 192.0.2.2:4004
wg_set r peer "$peer_l" endpoint '[2001:db8::11]:4003'
expect_answer r 10.9.0.1
expect_shown l endpoints r '[2001:db8::2]:4004'

note "sticky source: l answers from the address that r asked, not from its first"
for asked in 192.0.2.12 2001:db8::12; do
  case $asked in
    *:*) underlay_address l add "$asked/64" to-r nodad; endpoint="[$asked]:4003" ;;
    *) underlay_address l add "$asked/24" to-r; endpoint="$asked:4003" ;;
  esac
  wg_set r peer "$peer_l" endpoint "$endpoint"
  expect_answer r 10.9.0.1
  expect_answer l 10.9.0.2
  expect_shown r endpoints l "$endpoint"
done

note "an address on another interface than the packets take, as a router's loopback"
ip -n "$(ns l)" addr add 198.51.100.1/32 dev lo
ip -n "$(ns r)" route add 198.51.100.1/32 via 192.0.2.11
wg_set r peer "$peer_l" endpoint 198.51.100.1:4003
expect_answer r 10.9.0.1
expect_answer l 10.9.0.2
expect_shown r endpoints l 198.51.100.1:4003

note "and when that address is gone, from another one"
ip -n "$(ns l)" addr del 198.51.100.1/32 dev lo
lost l 192.0.2.2:4004
follows 192.0.2.11:4003 192.0.2.2:4004
note "ok"
