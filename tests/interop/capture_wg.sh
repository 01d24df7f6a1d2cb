#!/bin/bash
# `starling capture` on an interface of starling-wg, which has no control socket; and what it says where there is none.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command wireguard-go
need_command tcpdump
need_command tshark
need_command ping iputils-ping

ns_add l
ns_add r
veth l r 192.0.2.1/24 192.0.2.2/24 2>/dev/null
make_keys l r
write_config l 4001 <<END
[Peer]
PublicKey = $(cat "$work/r.pub")
Endpoint = 192.0.2.2:4002
AllowedIPs = 10.9.0.2/32
END
write_config r 4002 <<END
[Peer]
PublicKey = $(cat "$work/l.pub")
AllowedIPs = 10.9.0.1/32
END
wg_up starling l
wg_up go r
add_address l 10.9.0.1/24
add_address r 10.9.0.2/24
left=$(wg_interface l) right=$(wg_interface r)

note "into a file: what waited for the handshake, both directions, what is dropped"
start capture "$BIN/starling" capture "$left" --dropped --peers -w "$work/l.pcapng"
capturer=$!
wait_for 5 "the capture begins" test -s "$work/l.pcapng"
pings l 3 10.9.0.2
in_ns l ping -q -n -c 1 -W 0.1 10.9.0.77 >/dev/null # nobody's
kill -INT "$capturer"
wait "$capturer" || fail "capture ended with status $?: $(cat "$work/capture.log")"
count() { tshark -r "$work/l.pcapng" -Y "$1" 2>/dev/null | wc -l; }
[ "$(count "icmp.type == 8 && frame.packet_flags_direction == 2 && frame.comment == \"peer $(cat "$work/r.pub")\"")" = 3 ] || fail "requests"
[ "$(count "icmp.type == 0 && frame.packet_flags_direction == 1 && frame.comment == \"peer $(cat "$work/r.pub")\"")" = 3 ] || fail "answers"
[ "$(count 'ip.dst == 10.9.0.77 && frame.comment == "no peer, dropped: egress_no_route"')" = 1 ] || fail "what is nobody's"

note "through a pipe, ended by --count; wg goes on meanwhile"
"$BIN/starling" capture "$left" -c 4 -w - 2>"$work/pipe.log" | tcpdump -nr - >"$work/tcpdump.txt" 2>/dev/null &
piped=$!
in_ns l wg show "$left" latest-handshakes >/dev/null || fail "wg show beside a capture"
wait_for 10 "four packets are captured" sh -c "ip netns exec $(ns l) ping -q -n -c 1 -W 1 10.9.0.2 >/dev/null; ! kill -0 $piped"
wait "$piped"
[ "$(grep -c "10.9.0.1 > 10.9.0.2: ICMP echo request" "$work/tcpdump.txt")" = 2 ] || fail "tcpdump: $(cat "$work/tcpdump.txt")"

note "wireguard-go makes none, and says so"
timeout 10 "$BIN/starling" capture "$right" -w "$work/x" 2>"$work/error.txt"
[ $? = 1 ] && grep -q "/var/run/wireguard/$right.sock: another program than starling-wg" "$work/error.txt" || fail "wireguard-go: $(cat "$work/error.txt")"
[ ! -e "$work/x" ] || fail "a file was made for nothing"
pings l 1 10.9.0.2

note "starling-wg ends: the file is complete"
start capture "$BIN/starling" capture "$left" -w "$work/end.pcapng"
capturer=$!
wait_for 5 "the capture begins" test -s "$work/end.pcapng"
wg_down l
wait "$capturer" || fail "capture ended with status $?: $(cat "$work/capture.log")"
exit 0
