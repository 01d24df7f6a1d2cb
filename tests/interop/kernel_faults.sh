#!/usr/bin/env bash
# kernel_faults.sh: the kernel's WireGuard (l) and starling-wg (r) on a bad underlay, with congestion marks, and with wrong keys,
# which our side names. In tests/interop/kernel_guest.sh, or on a host whose kernel has WireGuard and netem.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command nft nftables
need_command tc iproute2
need_command socat
tunnel kernel starling
peer_l=$(public_key l) peer_r=$(public_key r)
expect_answer l 10.9.0.2
logs() { wait_for 5 "r logs $1" grep -q "dropped .*$1" "$work/r.log"; note "r: $(grep -m1 "dropped .*$1" "$work/r.log")"; }

# netem ARGUMENTS...: of tc-netem, at both ends of the underlay
netem() {
  in_ns l tc qdisc replace dev to-r root netem "$@" && in_ns r tc qdisc replace dev to-l root netem "$@" || skip "needs netem"
}
# each_once FROM ADDRESS COUNT: that many pings, each answered, none twice
each_once() {
  pings "$1" "$3" "$2"
  grep -q "duplicates" "$work/ping.log" && fail "from $1 to $2: $(grep received "$work/ping.log")"
  return 0
}
note "reordered and duplicated datagrams: each inner packet arrives once"
netem delay 4ms 3ms duplicate 30%
each_once l 10.9.0.2 60
each_once r fd09::1 60
logs replayed
note "and lost ones: streams get through"
netem delay 2ms 1ms loss 3% duplicate 3% reorder 20%
stream l r 10.9.0.2 200000
stream r l fd09::1 200000
note "a handshake with every third datagram lost"
netem loss 33%
afresh l r preshared-key "$work/psk" endpoint 192.0.2.2:4002 persistent-keepalive 1
wait_for 60 "a handshake in spite of the losses" handshake_done l r
# r sends with the new session once a keepalive of l has come through, and would wait five seconds to start one of its own.
confirmed() { [ "$(wg_show r latest-handshakes l)" -ge "$(wg_show l latest-handshakes r)" ]; }
wait_for 60 "r hears of it" confirmed
in_ns l tc qdisc del dev to-r root
in_ns r tc qdisc del dev to-l root
wg_set l peer "$peer_r" persistent-keepalive off
expect_answer r 10.9.0.1

# ECN, RFC 6040. ping -Q sets the whole traffic class: 2 is ECT(0), 0 is Not-ECT.
note "ECT(0) inside is ECT(0) outside"
count r outer_ect input udp dport 4002 ip ecn ect0
count l outer_ect input udp dport 4001 ip ecn ect0
expect_answer l 10.9.0.2 -Q 2
for node in l r; do
  [ "$(counted "$node" outer_ect)" = 1 ] || fail "$node received $(counted "$node" outer_ect) datagrams with ECT(0), not the one of a ping"
done
note "a congestion mark on the way comes out inside"
count r inner_ce input iifname "$(wg_interface r)" ip ecn ce
count l inner_ce input iifname "$(wg_interface l)" ip ecn ce
for node in l r; do
  in_ns "$node" nft add chain inet test marking '{ type filter hook prerouting priority 0; }'
  in_ns "$node" nft add rule inet test marking udp dport "{ 4001, 4002 }" ip ecn set ce || fail "nft at $node"
done
expect_answer l 10.9.0.2 -Q 2
for node in l r; do
  [ "$(counted "$node" inner_ce)" = 1 ] || fail "$node ($(name_of "$node")) delivered $(counted "$node" inner_ce) marked packets, not 1"
done
note "and where it cannot, the packet is dropped by name"
expect_no_answer l 10.9.0.2 -Q 0
logs ecn_not_capable
for node in l r; do in_ns "$node" nft delete table inet test; done
expect_answer l 10.9.0.2

note "handshakes carry DSCP AF41 (0x88)"
count r initiations input udp dport 4002 udp length 156 ip dscp af41
count l responses input udp dport 4001 udp length 100 ip dscp af41
afresh l r preshared-key "$work/psk" endpoint 192.0.2.2:4002
expect_answer l 10.9.0.2
[ "$(counted r initiations) $(counted l responses)" = "1 1" ] ||
  fail "$(counted r initiations) initiations and $(counted l responses) responses with 0x88, not one each"

note "the kernel has a wrong public key of us"
make_keys wrong
wg_set l peer "$peer_r" remove peer "$(public_key wrong)" allowed-ips 10.9.0.2/32 endpoint 192.0.2.2:4002
expect_no_answer l 10.9.0.2
logs bad_mac1
wg_set l peer "$(public_key wrong)" remove
afresh l r preshared-key "$work/psk" endpoint 192.0.2.2:4002
note "we do not know the kernel's"
wg_set r peer "$peer_l" remove
expect_no_answer l 10.9.0.2
logs unknown_peer
note "the preshared keys differ: whoever started sees it"
afresh r l endpoint 192.0.2.1:4001
expect_no_answer r 10.9.0.1
logs bad_handshake
note "all is well once they agree"
wg_set r peer "$peer_l" preshared-key "$work/psk"
afresh l r preshared-key "$work/psk" endpoint 192.0.2.2:4002
expect_answer l 10.9.0.2
note "ok"
