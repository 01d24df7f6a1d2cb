#!/bin/bash
# A route of the mesh that covers a peer's endpoint does not swallow the tunnel's own datagrams, nor does a default route.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq

# a and b meet through a router, so that their endpoints are reached by a default route of main, as on the Internet.
for n in a r b; do ns_add $n; forwarding $n; done
veth a r 192.0.2.2/30 192.0.2.1/30 2001:db8:a::2/64 2001:db8:a::1/64
veth r b 198.51.100.1/30 198.51.100.2/30 2001:db8:b::1/64 2001:db8:b::2/64
in_ns a ip route add default via 192.0.2.1; in_ns a ip -6 route add default via 2001:db8:a::1
in_ns b ip route add default via 198.51.100.1; in_ns b ip -6 route add default via 2001:db8:b::1

rules() { in_ns "$1" ip -N "-${2:-4}" rule | grep -E '^420[01]:'; }
protected() { in_ns "$1" ip "-${2:-4}" -N route show table 4201 proto 201; }
# Still up after more than the time in which silence is noticed: the newest event of state is Full.
no_flap() { [ "$(count_events a neighbor.state '.from == "Full"')" = "$flaps" ]; }

check_family() {
  local family=$1 endpoint=$2 covering=$3 everything=$4 far=$5 own_endpoint=$6
  note "IPv$family: an announced prefix covers the peer's endpoint"
  node a "{\"addresses\": [\"10.1.0.1/32\", \"fd01::1/128\"], \"accept\": [\"10.0.0.0/8+\", \"fc00::/7+\", \"$covering\", \"$everything\"],
           \"peers\": [{\"pub\": \"b\", \"endpoint\": \"$endpoint\"}]}"
  node b "{\"addresses\": [\"10.1.0.2/32\", \"fd01::2/128\"], \"announce\": [\"$covering\"], \"peers\": [{\"pub\": \"a\", \"endpoint\": \"$own_endpoint\"}]}"
  run a; run b
  wait_for 20 "underlay.protected" has_event a underlay.protected ".prefix == \"$covering\""
  wait_for 10 "the covering route has a table of its own" grep -q . <(protected a "$family")
  shows "^$covering " protected a "$family" || fail "table 4201: $(protected a "$family")"
  [ "$(rules a "$family" | wc -l)" = 2 ] || fail "rules: $(rules a "$family")"
  shows 'suppress_prefixlength 0' rules a "$family" || fail "rules: $(rules a "$family")"
  shows 'not from all fwmark 0x1069 lookup 4201' rules a "$family" || fail "rules: $(rules a "$family")"
  shows "^$covering " in_ns a ip "-$family" route show proto 201 && fail "the covering route is in main too"
  flaps=$(count_events a neighbor.state '.from == "Full"')
  wait_for 10 "packets through the tunnel" pings a "$far"
  in_ns a ping -q -i 0.05 -c 30 -W 1 "$far" >"$work/ping.log" || fail "packets are lost: $(tail -n 2 "$work/ping.log")"
  grep -q " 0% packet loss" "$work/ping.log" || fail "packets are lost: $(tail -n 2 "$work/ping.log")"
  no_flap || fail "the neighbour went down once protected"

  note "IPv$family: the prefix is withdrawn, and the rules go with it"
  stop b || fail "b ended with status $?"
  wait_for 10 "underlay.released" has_event a underlay.released ".prefix == \"$covering\""
  [ -z "$(rules a "$family")$(protected a "$family")" ] || fail "left: $(rules a "$family") $(protected a "$family")"

  note "IPv$family: a default route that is named in accept"
  node b "{\"addresses\": [\"10.1.0.2/32\", \"fd01::2/128\"], \"announce\": [\"$everything\"], \"peers\": [{\"pub\": \"a\", \"endpoint\": \"$own_endpoint\"}]}"
  run b
  wait_for 20 "the default route is protected" has_event a underlay.protected ".prefix == \"$everything\""
  flaps=$(count_events a neighbor.state '.from == "Full"')
  wait_for 10 "packets through the tunnel" pings a "$far"
  in_ns a ping -q -i 0.05 -c 30 -W 1 "$far" >"$work/ping.log" || fail "packets are lost"
  no_flap || fail "the neighbour went down under a default route"
  local elsewhere=203.0.113.9; [ "$family" = 6 ] && elsewhere=2001:db8:ffff::9
  shows "dev mesh" in_ns a ip "-$family" route get "$elsewhere" || fail "everything else does not take the mesh"
  local address=${endpoint%:*}; address=${address#[}; address=${address%]}
  shows "dev to-r" in_ns a ip "-$family" route get "$address" mark 4201 || fail "marked packets take the mesh"
  shows "dev mesh" in_ns a ip "-$family" route get "$address" || fail "unmarked packets to the endpoint do not take the mesh"

  note "IPv$family: killed and started again, then ended: no rule stays"
  stop a KILL
  [ -n "$(rules a "$family")" ] || fail "the crash left no rules, so there is nothing to sweep"
  rm -f "$work/a.log"
  run a
  wait_for 20 "protected again" has_event a underlay.protected
  stop a || fail "a ended with status $?"
  [ -z "$(rules a "$family")$(protected a "$family")" ] || fail "left: $(rules a "$family") $(protected a "$family")"
  stop b || fail "b ended with status $?"
  rm -f "$work/a.log" "$work/b.log"
}
check_family 4 198.51.100.2:7000 198.51.100.0/24 0.0.0.0/0 10.1.0.2 192.0.2.2:7000
check_family 6 '[2001:db8:b::2]:7000' 2001:db8:b::/48 ::/0 fd01::2 '[2001:db8:a::2]:7000'
exit 0
