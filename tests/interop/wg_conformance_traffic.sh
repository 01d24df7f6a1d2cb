#!/usr/bin/env bash
# wg_conformance_traffic.sh LEFT RIGHT: both families in both families, both ways, TCP and UDP, and the counters of bytes.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command iperf3
need_command nft nftables
need_command socat
tunnel "$1" "$2"

note "10 pings and the handshake move exactly so many bytes"
began=$(date +%s)
pings l 10 10.9.0.2
expect_ten_pings l r
now=$(date +%s)
for pair in "l r" "r l"; do
  read -r node peer <<<"$pair"
  at=$(wg_show "$node" latest-handshakes "$peer")
  [ "$at" -ge "$began" ] && [ "$at" -le "$now" ] || fail "$node ($(name_of "$node")): latest handshake at $at, not between $began and $now"
done

streamed=2000000
iperf_server r
for endpoint in 192.0.2.2:4002 '[2001:db8::2]:4002'; do
  wg_set l peer "$(public_key r)" endpoint "$endpoint"
  for inner in 10.9.0 fd09::; do
    separator=.
    [ "$inner" = fd09:: ] && separator=
    note "to $endpoint, inside $inner$separator"
    pings l 5 "$inner${separator}2"
    pings r 5 "$inner${separator}1"
    stream l r "$inner${separator}2" "$streamed"
    stream r l "$inner${separator}1" "$streamed"
    datagrams l r "$inner${separator}2"
    datagrams r l "$inner${separator}1"
  done
  expect_shown l endpoints r "$endpoint"
done
note "eight TCP streams at once, each way"
iperf l 10.9.0.2 -n 4M -P 8
iperf l fd09::2 -n 4M -P 8 --reverse

read -r rx tx <<<"$(wg_show l transfer r)"
read -r rrx rtx <<<"$(wg_show r transfer l)"
[ "$tx" -ge "$rrx" ] && [ "$rtx" -ge "$rx" ] || fail "l sent $tx, r received $rrx; r sent $rtx, l received $rx bytes"
[ "$rrx" -ge $((4 * streamed)) ] && [ "$rx" -ge $((4 * streamed)) ] ||
  fail "r received $rrx and l $rx bytes, for four streams of $streamed each"
note "ok"
