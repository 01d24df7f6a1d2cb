#!/bin/bash
# A peer's host name is looked up again while the peer is down, and a neighbour behind an interface that loses its carrier
# is down at once.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq

for n in a b; do ns_add $n; forwarding $n; done
veth a b 192.0.2.1/24 192.0.2.2/24
# `ip netns exec` shows a namespace its own files of /etc.
etc=/etc/netns/$(ns a)
mkdir -p "$etc" || skip "needs to write /etc/netns"
finish_etc() {
  local status=$?
  rm -rf "$etc"
  rmdir --ignore-fail-on-non-empty /etc/netns
  (exit "$status")
  finish
}
trap finish_etc EXIT
hosts() { echo "127.0.0.1 localhost" >"$etc/hosts"; [ -z "${1:-}" ] || echo "$1 b.starling.test" >>"$etc/hosts"; }
echo "hosts: files" >"$etc/nsswitch.conf"

note "a name without address is told, and asked again"
hosts
node a '{"addresses": ["10.1.0.1/32"], "peers": [{"pub": "b", "endpoint": "b.starling.test:7000"}]}'
node b '{"addresses": ["10.1.0.2/32"], "peers": [{"pub": "a"}]}'
run a
run b
wait_for 10 "endpoint.unresolved" has_event a endpoint.unresolved '.host == "b.starling.test:7000"'
hosts 192.0.2.2
wait_for 20 "endpoint.resolved" has_event a endpoint.resolved '.endpoint == "192.0.2.2:7000"'
wait_for 20 "a reaches b" pings a 10.1.0.2

note "an interface that goes down takes its neighbours with it at once"
in_ns b ip link set to-a down  # the other end hears of it from the kernel up to a second later
wait_for 5 "the neighbour is down" has_event b neighbor.state '.from == "Full"'
has_event b neighbor.state '.from == "Full" and .to == "Down" and .reason == "carrier lost"' ||
  fail "down for another reason: $(grep neighbor.state "$work/b.log")"
wait_for 5 "down at the other end too" has_event a neighbor.state '.from == "Full" and .to == "Down"'

note "the name moves while the peer is down"
stop b KILL
in_ns b ip addr flush dev to-a scope global
in_ns b ip addr add 192.0.2.3/24 dev to-a
in_ns b ip link set to-a up
hosts 192.0.2.3
rm -f "$work/b.log"
run b
wait_for 20 "the new address" has_event a endpoint.resolved '.endpoint == "192.0.2.3:7000"'
wait_for 30 "a reaches b at its new address" pings a 10.1.0.2
exit 0
