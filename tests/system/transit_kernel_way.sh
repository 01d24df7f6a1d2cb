#!/bin/bash
# When transit does not take the fast path: policy rules, for as long as they are there, and the configuration; and what the machine's firewall has to do
# with it.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/transit_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command nft nftables

transit_line
kernel_forwards 1
in_ns b nft add table inet seen 2>/dev/null || skip "needs nf_tables in the kernel"
in_ns b nft add chain inet seen forward '{ type filter hook forward priority 0; policy accept; }'
in_ns b nft add rule inet seen forward iifname mesh oifname mesh counter
# seen: how many packets b's kernel has forwarded from tunnel to tunnel.
seen() { in_ns b nft -j list chain inet seen forward | jq '[.. | .counter? // empty | .packets] | add'; }
passes() { in_ns a ping -q -n -i 0.05 -c 5 -W 1 10.1.0.3 >"$work/ping.log" && in_ns a ping -q -n -i 0.05 -c 5 -W 1 fd01::3 >>"$work/ping.log"; }

for n in b a c; do run $n; done
wait_for 20 "a reaches c over IPv4" answered_by 63 10.1.0.3
wait_for 20 "a reaches c over IPv6" answered_by 63 fd01::3
has_event b transit.firewall && fail "a chain that accepts is warned about"

note "the kernel's firewall does not see the fast path"
before=$(seen)
passes || fail "packets are lost: $(cat "$work/ping.log")"
[ "$(seen)" = "$before" ] || fail "the kernel saw $(($(seen) - before)) packets"

note "a rule for everything is followed, whichever table it leads to"
in_ns b ip route add 10.9.6.0/24 via 10.9.5.2 table 42
in_ns h ip addr add 10.9.6.1/32 dev lo
in_ns b ip rule add pref 100 lookup 42
wait_for 5 "the table's route counts" answered_by 99 10.9.6.1
transit_is 'all(.families[]; .fast_path)' || fail "show transit: $(show_transit)"
in_ns b ip rule del pref 100
wait_for 5 "and no longer" answered_by 63 10.9.6.1

rule_takes_it_off() {
  local family=$1 words=$2 reason=$3; shift 3
  note "IPv$family: a rule by $words takes the fast path off, and packets pass all the same"
  in_ns b ip "-$family" rule add pref 200 "$@" lookup 42
  wait_for 5 "transit.slow" has_event b transit.slow ".family == \"ipv$family\" and (.reason | contains(\"$reason\")) and .level == \"warning\" and (.remedy | contains(\"pref 200\"))"
  transit_is ".families[] | select(.family == \"ipv$family\") | .fast_path == false and (.reason | contains(\"$reason\"))" ||
    fail "show transit: $(show_transit)"
  transit_is ".families[] | select(.family != \"ipv$family\") | .fast_path" || fail "the other family is off too: $(show_transit)"
  before=$(seen)
  passes || fail "packets are lost: $(cat "$work/ping.log")"
  [ "$(seen)" = $((before + 10)) ] || fail "the kernel saw $(($(seen) - before)) packets of 10"
  in_ns b ip "-$family" rule del pref 200
  wait_for 5 "transit.fast" has_event b transit.fast ".family == \"ipv$family\""
  before=$(seen)
  passes || fail "packets are lost: $(cat "$work/ping.log")"
  [ "$(seen)" = "$before" ] || fail "the kernel still sees packets"
}
rule_takes_it_off 4 source source from 10.66.0.0/16
rule_takes_it_off 6 mark mark fwmark 7

note "without a rule that leads to the table of our routes the kernel does not choose them: told, and mended"
in_ns b ip rule del pref 32766
wait_for 5 "transit.slow" has_event b transit.slow '.family == "ipv4" and .reason == "no policy rule leads to table 254" and (.remedy | contains("ip -4 rule add"))'
transit_is '.families[] | select(.family == "ipv4") | .fast_path == false and .reason == "no policy rule leads to table 254"' || fail "show transit: $(show_transit)"
in_ns b ip -4 rule add pref 32766 lookup 254
wait_for 5 "and is the fast path again" transit_is 'all(.families[]; .fast_path)'
passes || fail "packets are lost: $(cat "$work/ping.log")"

note "a rule that is there at the start, with a kernel that does not forward: both are told"
stop b || fail "b ended with status $?"
rm -f "$work/b.log"
kernel_forwards 0
in_ns b ip rule add pref 200 ipproto tcp lookup 42
run b
has_event b transit.slow '.family == "ipv4" and (.reason | contains("protocol"))' || fail "not told at the start"
has_event b forwarding.disabled '.family == "ipv4" and .level == "error"' || fail "forwarding.disabled is no error for IPv4"
has_event b forwarding.disabled '.family == "ipv6" and .level == "info"' || fail "forwarding.disabled is no information for IPv6"
in_ns b ip rule del pref 200
wait_for 5 "transit.fast" has_event b transit.fast '.family == "ipv4"'
has_event b forwarding.disabled '.family == "ipv4" and .level == "info"' || fail "what is lost now is not told"
kernel_forwards 1

note "a forward chain whose policy is drop is warned about, and does not see the fast path"
stop b || fail "b ended with status $?"
rm -f "$work/b.log"
in_ns b nft add chain inet seen dropping '{ type filter hook forward priority 10; policy drop; }'
in_ns b nft add chain inet seen entering '{ type filter hook input priority 10; policy accept; }'
dropping=("inet seen dropping")
for tool in iptables ip6tables; do  # where the kernel still has the older firewall
  in_ns b $tool-legacy -P FORWARD DROP 2>/dev/null && in_ns b $tool-legacy -A INPUT -j ACCEPT && dropping+=("$tool-legacy filter FORWARD")
done
run b
for chain in "${dropping[@]}"; do
  has_event b transit.firewall ".chain == \"$chain\" and (.reason | contains(\"does not see\"))" || fail "no warning of $chain"
done
[ "$(count_events b transit.firewall)" = ${#dropping[@]} ] || fail "warned about other chains: $(grep transit.firewall "$work/b.log")"
[ "$(jq -r '.dropping_chains[]' <<<"$(show_transit)")" = "$(printf '%s\n' "${dropping[@]}")" ] || fail "show transit: $(show_transit)"
for tool in iptables ip6tables; do in_ns b $tool-legacy -P FORWARD ACCEPT 2>/dev/null; done
transit_is '.dropping_chains == ["inet seen dropping"]' || fail "a policy that accepts drops: $(show_transit)"
wait_for 20 "a reaches c" answered_by 63 10.1.0.3
wait_for 20 "a reaches c over IPv6" answered_by 63 fd01::3

note "switched off by the configuration, the firewall judges: it drops, or lets pass and counts"
stop b || fail "b ended with status $?"
rm -f "$work/b.log"
transit_node_b '{"transit_fast_path": false, "without_offloads": ["udp-gso", "tun-gro"], "workers": 2}'
shows 'transit through the kernel, without tun-gro, without udp-gso, 2 workers' "$BIN/starling" check "$work/b.json" ||
  fail "starling check: $("$BIN/starling" check "$work/b.json")"
run b
has_event b transit.firewall '(.reason | contains("drops")) and (.remedy | contains("mesh"))' || fail "no warning of what is dropped"
transit_is '.offered and all(.families[]; (.fast_path | not) and (.reason | contains("transit_fast_path")))' || fail "show transit: $(show_transit)"
wait_for 20 "a reaches b" answered_by 64 10.1.0.2
wait_for 20 "c reaches b" in_ns c ping -q -n -c 1 -W 1 10.1.0.2
before=$(seen)
in_ns a ping -q -n -c 2 -i 0.2 -W 1 10.1.0.3 >/dev/null && fail "the firewall is passed by"
[ "$(seen)" -gt "$before" ] || fail "the kernel did not even see them"
in_ns b nft delete chain inet seen dropping
wait_for 5 "accepted, they pass" answered_by 63 10.1.0.3
wait_for 5 "IPv6 too" answered_by 63 fd01::3
before=$(seen)
passes || fail "packets are lost: $(cat "$work/ping.log")"
[ "$(seen)" = $((before + 20)) ] || fail "the kernel saw $(($(seen) - before)) packets of 20"
exit 0
