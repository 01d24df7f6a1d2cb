#!/bin/bash
# Transit on the engine's fast path: the middle node forwards without its kernel, answers as a router does, and leaves to the kernel what the
# kernel would route elsewhere.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/transit_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command nft nftables

transit_line
for n in b a c; do run $n; done

note "the kernel of b does not forward, and both families pass"
wait_for 20 "a reaches c over IPv4" answered_by 63 10.1.0.3
wait_for 20 "a reaches c over IPv6" answered_by 63 fd01::3
transit_is '.offered and all(.families[]; .fast_path and .reason == null)' || fail "show transit: $(show_transit)"
has_event b forwarding.disabled '.family == "ipv4" and .level == "info" and (.reason | contains("fast path"))' ||
  fail "that the kernel does not forward is not told rightly: $(grep forwarding "$work/b.log")"

note "b shows as a hop, by its own address"
shows 'From 10\.1\.0\.2 .*Time to live exceeded' in_ns a ping -n -c 1 -W 1 -t 1 10.1.0.3 || fail "no time exceeded over IPv4"
shows 'From fd01::2 .*Time exceeded: Hop limit' in_ns a ping -n -c 1 -W 1 -t 1 fd01::3 || fail "no time exceeded over IPv6"
answered_by 63 10.1.0.3 || fail "c is not reached with TTL enough"

note "what is too big for b's interface is answered by b"
shows 'From 10\.1\.0\.2 .*Frag needed and DF set \(mtu = 1400\)' in_ns a ping -n -c 1 -W 1 -M do -s 1400 10.1.0.3 || fail "no ICMP too big"
shows 'From fd01::2 .*Packet too big: mtu=1400' in_ns a ping -n -c 1 -W 1 -M do -s 1380 fd01::3 || fail "no ICMPv6 too big"
shows ' 0% packet loss' in_ns a ping -n -c 1 -W 1 -M do -s 1372 10.1.0.3 || fail "what just fits does not pass"

note "a source that a may not send goes no further than b: one that nobody announces, and an address of b's"
in_ns c nft add table inet seen 2>/dev/null || skip "needs nf_tables in the kernel"
in_ns c nft add chain inet seen prerouting '{ type filter hook prerouting priority 0; }'
for source in "ip saddr 10.1.0.1" "ip6 saddr fd01::1" "ip saddr { 10.77.0.1, 10.1.0.2 }" "ip6 saddr { fd77::1, fd01::2 }"; do
  in_ns c nft add rule inet seen prerouting iifname mesh "$source" counter || fail "nft: $source"
done
# seen_by_c: packets of a's own IPv4 and IPv6 addresses, then of the others
seen_by_c() { in_ns c nft -j list chain inet seen prerouting | jq -c '[.. | .counter? // empty | .packets]'; }
# drops NODE REASON
drops() { "$BIN/starling" show tunnels --json --control "$work/$1.sock" | jq --arg reason "$2" '[.[].drops[$reason] // 0] | add'; }
drops_are() { [ "$(drops "$1" "$2")" = "$3" ]; }
for refusal in "unknown 10.77.0.1 10.1.0.3" "unknown fd77::1 fd01::3" "not_allowed 10.1.0.2 10.1.0.3" "not_allowed fd01::2 fd01::3"; do
  read -r reason source destination <<<"$refusal"
  length=32
  [[ $source == *:* ]] && length=128
  before=$(drops b "ingress_source_$reason")
  in_ns a ip addr add "$source/$length" dev lo
  in_ns a ping -q -n -c 3 -i 0.05 -W 0.1 -I "$source" "$destination" >"$work/ping.log" 2>&1 && fail "$destination answers $source"
  in_ns a ip addr del "$source/$length" dev lo
  wait_for 5 "b counts what came from $source" drops_are b "ingress_source_$reason" $((before + 3))
done
answered_by 63 10.1.0.3 && answered_by 63 fd01::3 || fail "a's own addresses do not pass any more"
[ "$(seen_by_c)" = "[1,1,0,0]" ] || fail "c saw: $(seen_by_c)"
drops_are c ingress_source_unknown 0 && drops_are c ingress_source_not_allowed 0 || fail "c had to refuse what b let pass"

note "an address of b inside c's prefix is b's"
answered_by 63 10.9.7.1 || fail "c does not answer for its prefix"
in_ns b ip addr add 10.9.7.1/32 dev lo
wait_for 5 "b answers for its address" answered_by 64 10.9.7.1
in_ns b ip addr del 10.9.7.1/32 dev lo
wait_for 5 "c answers again" answered_by 63 10.9.7.1

note "h is in a subnet connected to b, inside c's prefix: the kernel's, once it forwards"
! answered_by 99 10.9.5.2 || fail "h was reached without the kernel's forwarding"
kernel_forwards 1
wait_for 5 "h is reached over IPv4" answered_by 99 10.9.5.2
wait_for 5 "h is reached over IPv6" answered_by 99 fd09:0:5::2

note "what is too big for b's interface and may be fragmented is for b's kernel to fragment"
# fragmented NODE: packets that its kernel has fragmented
fragmented() { in_ns "$1" nstat -asz IpFragOKs | awk '$1 == "IpFragOKs" { print $2 }'; }
before_a=$(fragmented a) before_b=$(fragmented b)
shows 'ttl=63 ' in_ns a ping -n -c 1 -W 1 -M dont -s 1400 10.9.8.1 || fail "what may be fragmented does not arrive"
[ "$(fragmented a)" = "$before_a" ] || fail "a fragmented, not b"
[ "$(fragmented b)" -gt "$before_b" ] || fail "b's kernel fragmented nothing"

note "routes of others come and go: more specific, and equal with a smaller or a larger metric"
in_ns h ip addr add 10.9.6.1/32 dev lo
answered_by 63 10.9.6.1 || fail "not c's to begin with"
in_ns b ip route add 10.9.6.0/24 via 10.9.5.2
wait_for 5 "the more specific route counts" answered_by 99 10.9.6.1
in_ns b ip route replace unreachable 10.9.6.0/24
wait_for 5 "b's kernel refuses" shows 'From 10\.1\.0\.2 .*Unreachable' in_ns a ping -n -c 1 -W 1 10.9.6.1
in_ns b ip route del unreachable 10.9.6.0/24
wait_for 5 "c's again" answered_by 63 10.9.6.1
before=$(punts)
in_ns b ip route add 10.9.0.0/16 via 10.9.5.2 metric 5000
in_ns b ip route add 10.9.0.0/16 via 10.9.5.2 metric 100
wait_for 5 "the smaller metric wins" answered_by 99 10.9.6.1
[ "$(punts)" = $((before + 1)) ] || fail "punts: $before before, $(punts) now"
in_ns b ip route del 10.9.0.0/16 metric 100
wait_for 5 "the larger metric does not" answered_by 63 10.9.6.1
[ "$(punts)" = "$before" ] || fail "punts: $before before, $(punts) now"
in_ns b ip route del 10.9.0.0/16 metric 5000

note "routes that vanish with their interface, of which the kernel does not tell"
in_ns b ip route add 10.9.6.0/24 via 10.9.5.2
wait_for 5 "h's again" answered_by 99 10.9.6.1
in_ns b ip link set to-h down
wait_for 10 "c's, since the route is gone" answered_by 63 10.9.6.1
[ "$(punts)" -lt "$before" ] || fail "punts: $before before, $(punts) without h"

note "notifications are lost, since b stands still while 40,000 routes are made: all is read again"
for ((i = 0; i < 40000; i++)); do echo "route add 10.66.$((i / 256 % 256)).$((i % 256))/32 dev to-c metric $((i / 65536 + 1))"; done >"$work/batch"
kill -STOP "${pid[b]}"
in_ns b ip -batch "$work/batch" || fail "routes cannot be added"
in_ns b ip addr add 10.9.7.1/32 dev lo
kill -CONT "${pid[b]}"
watches() { transit_is ".kernel_routes >= 40000 and all(.families[]; .fast_path)"; }
wait_for 10 "all routes are watched" watches
wait_for 10 "what came with them counts" answered_by 64 10.9.7.1
in_ns b ip addr del 10.9.7.1/32 dev lo
wait_for 10 "what comes behind them counts" answered_by 63 10.9.7.1
exit 0
