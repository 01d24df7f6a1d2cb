#!/bin/bash
# Data on the fast path of transit: TCP and UDP, both ways and over both families, through a node whose kernel does not forward. Every byte arrives as it
# was sent. What the environment says of offloads and workers is all three daemons'.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/transit_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command python3

transit_line
for n in b a c; do run $n; done
wait_for 20 "a reaches c over IPv4" answered_by 63 10.1.0.3
wait_for 20 "a reaches c over IPv6" answered_by 63 fd01::3

helpers() { cat "/proc/${pid[b]}"/task/*/comm | grep -cx wg-worker; }
[ -z "${STARLING_WORKERS:-}" ] || [ "$(helpers)" = $((STARLING_WORKERS - 1)) ] || fail "b has $(helpers) helpers for $STARLING_WORKERS workers"

carried() { "$BIN/starling" show tunnels --json --control "$work/b.sock" | jq '[.[].rx_packets // 0] | add'; }
lost() { "$BIN/starling" show tunnels --json --control "$work/b.sock" | jq -c '[.[] | .drops | select(. != {})]'; }
# forwarded: packets that b's kernel has forwarded, of both families
forwarded() { in_ns b nstat -asz IpForwDatagrams Ip6OutForwDatagrams | awk '/Forw/ { sum += $2 } END { print sum }'; }
before=$(carried)
for route in "a c 10.1.0.3" "c a 10.1.0.1" "a c fd01::3" "c a fd01::1"; do
  read -r from to address <<<"$route"
  note "$from to $address"
  stream "$from" "$to" "$address" 8000000
  datagrams "$from" "$to" "$address"
done
note "b: $(($(carried) - before)) packets, $(forwarded) of them forwarded by its kernel, lost: $(lost)"
[ "$(forwarded)" = 0 ] || fail "b's kernel forwarded $(forwarded) packets"
# 8 MB in packets of 1400 bytes at most, and 40 bursts of 40 datagrams, four times
[ $(($(carried) - before)) -gt $((4 * (8000000 / 1400 + 1600))) ] || fail "b's engine carried only $(($(carried) - before)) packets"
exit 0
