#!/usr/bin/env bash
# One flow through engines with helpers at both ends, more of it at once than one batch of ciphers' work holds: the helpers do have
# a part in it, and no datagram overtakes another.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command python3
need_command ping iputils-ping
need_command chrt util-linux

ns_add l; ns_add r
veth l r 192.0.2.1/24 192.0.2.2/24 2>/dev/null
make_keys l r
write_config l 4001 <<END
[Peer]
PublicKey = $(<"$work/r.pub")
Endpoint = 192.0.2.2:4001
AllowedIPs = 10.9.0.2/32, fd09::2/128
END
write_config r 4001 <<END
[Peer]
PublicKey = $(<"$work/l.pub")
AllowedIPs = 10.9.0.1/32, fd09::1/128
END
# An engine that moves to another processor leaves packets to the one it was on: one for all keeps the veth's own order.
echo 1 | in_ns l tee /sys/class/net/to-r/queues/rx-0/rps_cpus >/dev/null
echo 1 | in_ns r tee /sys/class/net/to-l/queues/rx-0/rps_cpus >/dev/null

# helped NODE: batches that its helpers did, as its counters say
helped() {
  local before; before=$(grep -c "no known peer: drops:" "$work/$1.log")
  kill -USR1 "${wg_pid[$1]}"
  wait_for 5 "counters of $1" counters_printed "$1" "$before"
  sed -n 's/.*: helpers: 3, did \([0-9]*\) of .*/\1/p' "$work/$1.log" | tail -n 1
}
# helpers NODE: their threads
helpers() { grep -lx wg-worker "/proc/${wg_pid[$1]}/task"/*/comm | sed 's|.*/task/\([0-9]*\)/comm|\1|'; }
# prefer_helpers NODE: whatever else runs, they begin as soon as there is work for them; else, on a busy machine, the engine mostly
# has done it before they wake up
prefer_helpers() {
  local thread
  for thread in $(helpers "$1"); do chrt -f -p 1 "$thread" || fail "no real-time priority for a helper of $1"; done
}
# helpers_ms NODE: processor time of its helpers
helpers_ms() {
  local thread sum=0 spent
  for thread in $(helpers "$1"); do
    read -r spent _ <"/proc/${wg_pid[$1]}/task/$thread/schedstat"
    sum=$((sum + spent))
  done
  echo $((sum / 1000000))
}
# flow FROM TO ADDRESS COUNT SIZE AT_ONCE: of these, not twice
flow() {
  local from=$1 to=$2 address=$3 count=$4 size=$5 at_once=$6 receiver result
  : >"$work/receiver.log"
  ip netns exec "$(ns "$to")" python3 "$SOURCE_DIR/tests/system/ordered_flow.py" receive "$address" >"$work/receiver.log" 2>&1 &
  receiver=$!
  wait_for 10 "$to listens" grep -q listening "$work/receiver.log"
  in_ns "$from" python3 "$SOURCE_DIR/tests/system/ordered_flow.py" send "$address" "$count" "$size" "$at_once" >"$work/sender.log" 2>&1 ||
    { kill "$receiver"; fail "the sender: $(tail -n 1 "$work/sender.log")"; }
  wait "$receiver" || fail "the receiver: $(tail -n 1 "$work/receiver.log")"
  result=$(tail -n 1 "$work/receiver.log")
  note "$from to $to, $count × $size bytes: $result"
  jq -e '.overtaken == 0 and .twice == 0' <<<"$result" >/dev/null || fail "out of order: $result"
  jq -e --argjson of "$count" '.received >= $of / 2' <<<"$result" >/dev/null || fail "hardly half of them arrived: $result"
}
# helped_flow FROM TO ADDRESS COUNT SIZE AT_ONCE: in which the helpers of both have a part
helped_flow() {
  local node batches ms
  local -A batches_before=([l]=$(helped l) [r]=$(helped r)) ms_before=([l]=$(helpers_ms l) [r]=$(helpers_ms r))
  flow "$@"
  for node in l r; do
    batches=$(($(helped $node) - batches_before[$node])) ms=$(($(helpers_ms $node) - ms_before[$node]))
    note "  helpers of $node: $batches batches, $ms ms"
    [ $batches -ge 50 ] && [ $ms -gt 0 ] || fail "the helpers of $node had hardly a part in it"
  done
}

export STARLING_WORKERS=4
# Large packets from the interface fill a batch by their bytes, small ones by their number.
for without in "" tun-uso; do
  export STARLING_WITHOUT=$without
  note "without ${without:-nothing}"
  wg_up starling r
  wg_up starling l
  add_address l 10.9.0.1/24 fd09::1/64
  add_address r 10.9.0.2/24 fd09::2/64
  for node in l r; do ip -n "$(ns $node)" link set "$(wg_interface $node)" txqueuelen 4000; done # all that is under way may wait
  prefer_helpers l
  prefer_helpers r
  pings l 1 10.9.0.2
  helped_flow l r 10.9.0.2 60000 1200 2000
  helped_flow r l fd09::1 60000 200 2000
  wg_down l
  wg_down r
done
note "ok"
