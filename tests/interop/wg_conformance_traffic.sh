#!/usr/bin/env bash
# wg_conformance_traffic.sh LEFT RIGHT: both families in both families, both ways, TCP and UDP, and the counters of bytes.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command iperf3
need_command socat
tunnel "$1" "$2"

note "10 pings and the handshake move exactly so many bytes"
pings l 10 10.9.0.2
# 10 × (84 padded to 96, + 32) = 1280 each way; initiation 148, response 92. An implementation may send one keepalive (32)
# when the handshake is complete, before the first ping.
read -r rx tx <<<"$(wg_show l transfer r)"
[ "$rx" = 1372 ] || fail "l ($(name_of l)) received $rx bytes, not 1372"
[ "$tx" = 1428 ] || [ "$tx" = 1460 ] || fail "l ($(name_of l)) sent $tx bytes, not 1428 or 1460"
expect_shown r transfer l "$tx $rx"
now=$(date +%s)
for pair in "l r" "r l"; do
  read -r node peer <<<"$pair"
  at=$(wg_show "$node" latest-handshakes "$peer")
  [ $((now - at)) -ge 0 ] && [ $((now - at)) -le 5 ] || fail "$node ($(name_of "$node")): latest handshake at $at, now is $now"
done

# stream FROM TO ADDRESS: TCP, and every byte arrives as it was sent.
streamed=2000000
head -c "$streamed" /dev/urandom >"$work/sent"
stream() {
  local family=4 receiver
  [[ $3 == *:* ]] && family=6
  in_ns "$2" timeout 60 socat -u "TCP$family-LISTEN:5001,reuseaddr" "CREATE:$work/received" &
  receiver=$!
  in_ns "$1" socat -u "OPEN:$work/sent" "TCP$family:${3/#fd*/[$3]}:5001,retry=50,interval=0.1" || fail "stream from $1 to $2 ($3)"
  wait "$receiver" || fail "stream from $1 to $2 ($3) was not received"
  cmp "$work/sent" "$work/received" || fail "stream from $1 to $2 ($3): other bytes arrived"
}

start iperf ip netns exec "$(ns r)" iperf3 -s --forceflush
wait_for 10 "iperf3 listens" grep -q listening "$work/iperf.log"
# iperf ADDRESS OPTION...: exits 0 when all was sent and the server reported
iperf() {
  local address=$1; shift
  in_ns l timeout 60 iperf3 -c "$address" "$@" >"$work/client.log" 2>&1 || fail "iperf3 $address $*: $(tail -n 2 "$work/client.log")"
}
# UDP at a rate that nobody need lose at. "LOST/ALL (PERCENT%) receiver" ends its report.
udp() {
  local lost all
  iperf "$1" -u -b 20M -l 1200 -n 120K "${@:2}"
  read -r lost all <<<"$(sed -n 's/.* \([0-9]*\)\/\([0-9]*\) (.*receiver$/\1 \2/p' "$work/client.log")"
  [ "${all:-0}" -ge 90 ] && [ $((lost * 10)) -le "$all" ] || fail "UDP $*: ${lost:-?} of ${all:-no} datagrams were lost"
}
for endpoint in 192.0.2.2:4002 '[2001:db8::2]:4002'; do
  wg_set l peer "$(public_key r)" endpoint "$endpoint"
  for inner in 10.9.0 fd09::; do
    separator=.
    [ "$inner" = fd09:: ] && separator=
    note "to $endpoint, inside $inner$separator"
    pings l 5 "$inner${separator}2"
    pings r 5 "$inner${separator}1"
    stream l r "$inner${separator}2"
    stream r l "$inner${separator}1"
    udp "$inner${separator}2"
    udp "$inner${separator}2" --reverse
  done
  expect_shown l endpoints r "$endpoint"
done
note "eight TCP streams at once, each way"
iperf 10.9.0.2 -n 4M -P 8
iperf fd09::2 -n 4M -P 8 --reverse

read -r rx tx <<<"$(wg_show l transfer r)"
read -r rrx rtx <<<"$(wg_show r transfer l)"
[ "$tx" -ge "$rrx" ] && [ "$rtx" -ge "$rx" ] || fail "l sent $tx, r received $rrx; r sent $rtx, l received $rx bytes"
[ "$rrx" -ge $((4 * streamed)) ] && [ "$rx" -ge $((4 * streamed)) ] ||
  fail "r received $rrx and l $rx bytes, for four streams of $streamed each"
note "ok"
