#!/bin/bash
# No neighbour is lost, and no link called grey, while everything is against it: all processors busy with other work, one
# packet in twenty lost at both ends of every link, and every tunnel full in both directions. Suspicions may come then, for
# they do no harm: nothing is announced, traffic goes by another next hop or a loop-free alternate if there is one (as before
# if not), and back with the first word heard. But each must end so.
#   soak.sh SECONDS
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command nft nftables
need_command python3
seconds=$1
nodes=(a b c d)
links=("a b" "b d" "a c" "c d")
declare -A address=([a]=10.1.0.1 [b]=10.1.0.2 [c]=10.1.0.3 [d]=10.1.0.4) peers=() neighbors=()

note "a ring of four"
for n in "${nodes[@]}"; do
  ns_add $n
  forwarding $n
done
for i in "${!links[@]}"; do
  read -r left right <<<"${links[i]}"
  veth $left $right "198.18.$i.1/30" "198.18.$i.2/30"
  peers[$left]+="{\"pub\": \"$right\", \"endpoint\": \"198.18.$i.2:7000\"},"
  peers[$right]+="{\"pub\": \"$left\", \"endpoint\": \"198.18.$i.1:7000\"},"
  neighbors[$left]+="$right "
  neighbors[$right]+="$left "
done
for n in "${nodes[@]}"; do node $n "{\"addresses\": [\"${address[$n]}/32\"], \"peers\": [${peers[$n]%,}]}"; done
for n in "${nodes[@]}"; do run $n; done
show() { "$BIN/starling" show "$2" --json --control "$work/$1.sock"; }
all_full() { local n; for n in "${nodes[@]}"; do [ "$(show $n status | jq .neighbors_full)" = 2 ] || return 1; done; }
all_reachable() { local n; for n in "${nodes[@]}"; do pings a ${address[$n]} && pings d ${address[$n]} || return 1; done; }
wait_for 20 "all neighbours are in use" all_full
wait_for 20 "all reach all" all_reachable

note "one packet in twenty is lost, the tunnels are full, the processors busy"
for n in "${nodes[@]}"; do
  # What arrives inside ends here, before anyone answers that nobody listens.
  rules="table inet sink { chain arrival { type filter hook input priority 0; iifname \"mesh\" udp dport 9 drop; }; }"
  for other in ${neighbors[$n]}; do
    rules+=$'\n'"table netdev lossy-$other { chain arrival { type filter hook ingress device \"to-$other\" priority 0; numgen random mod 100 < 5 counter drop; }; }"
  done
  in_ns $n nft -f - <<<"$rules" || fail "nft refuses: $rules"
done
floods=()
for n in "${nodes[@]}"; do
  for other in ${neighbors[$n]}; do
    start "flood-$n-$other" ip netns exec "$(ns $n)" python3 "$SOURCE_DIR/tests/system/flood.py" "${address[$other]}" 9
    floods+=($!)
  done
done
for ((i = 0; i < $(nproc); i++)); do start "busy-$i" bash -c 'while :; do :; done'; done

carried() { for n in "${nodes[@]}"; do show $n tunnels | jq -c --arg node $n '.[] | select(.name) | {link: ($node + "→" + .name), bytes: .tx_bytes}'; done; }
idle_ticks() { awk '/^cpu / { print $5 + $6 }' /proc/stat; }
count_everywhere() { cat "$work"/[abcd].log | jq -s "[.[] | select($1)] | length"; }
down() { count_everywhere '.event == "neighbor.state" and .from == "Full"'; }
suspects() { count_everywhere '.event == "neighbor.suspect" and .suspect'; }
greys() { count_everywhere '.event == "link.grey"'; }
# Each suspicion, and how long it lasted: null if it has not ended.
suspicions() {
  cat "$work"/[abcd].log | jq -sc '[.[] | select(.event == "neighbor.suspect")] | group_by([.node, .neighbor])[] | range(length) as $i | select(.[$i].suspect) |
    {node: .[$i].node, neighbor: .[$i].neighbor, ms: (if $i + 1 < length then (.[$i + 1].mono_ns - .[$i].mono_ns) / 1e6 | round else null end)}'
}
all_heard_again() { suspicions | jq -es 'all(.[]; .ms != null)'; }
carried >"$work/before"
idle=$(idle_ticks)
began=$(date +%s%3N)
end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do
  left=$((end - SECONDS))
  sleep $((left < 30 ? left : 30))
  note "$((end - SECONDS)) s left: $(down) neighbours lost, $(suspects) times suspect"
  for flood in "${floods[@]}"; do kill -0 "$flood" 2>/dev/null || fail "a flood has ended"; done
done
took_ms=$(($(date +%s%3N) - began))
idle=$(($(idle_ticks) - idle))
carried >"$work/after"
for name in "${!pid[@]}"; do kill -0 "${pid[$name]}" || fail "$name has ended"; done

note "what was carried meanwhile, in Mbit/s"
jq -s --argjson ms $took_ms 'group_by(.link)[] | {link: .[0].link, mbit_per_s: ((.[1].bytes - .[0].bytes) * 8 / 1000 / $ms | round)}' -c "$work/before" "$work/after" |
  tee "$work/rates"
[ "$(jq -s 'length == 8 and all(.[]; .mbit_per_s >= 5)' "$work/rates")" = true ] || fail "not every tunnel was full"
for n in "${nodes[@]}"; do
  refused=$(in_ns $n ip -j -s link show mesh | jq '.[0].stats64.tx.dropped')
  [ "$refused" -gt 1000 ] || fail "only $refused packets found the tunnels of $n full"
done
idle_percent=$((idle * 1000 / took_ms / $(nproc)))
echo "processors idle: $idle_percent %"
[ $idle_percent -le 5 ] || fail "the processors were not busy"
for n in "${nodes[@]}"; do
  for other in ${neighbors[$n]}; do
    lost=$(in_ns $n nft -j list table netdev "lossy-$other" | jq '[.. | .counter? | objects | .packets] | add')
    [ "${lost:-0}" -gt 100 ] || fail "from $other to $n only ${lost:-0} packets were lost"
  done
done

note "no neighbour was lost, no link grey, nobody suspect for good"
[ "$(down)" = 0 ] || {
  for n in "${nodes[@]}"; do jq -c --arg node $n 'select(.event == "neighbor.state" and .from == "Full") | {node: $node, time, neighbor, to, reason}' "$work/$n.log"; done
  fail "$(down) times a neighbour was lost in $((took_ms / 1000)) s"
}
for n in "${nodes[@]}"; do
  [ "$(show $n neighbors | jq 'map(.times_down) | add')" = 0 ] || fail "$n lost a neighbour and did not say so"
done
[ "$(greys)" = 0 ] || {
  for n in "${nodes[@]}"; do jq -c --arg node $n 'select(.event == "link.grey") | {node: $node, time, neighbor, reason, carried_bytes, loss_permille}' "$work/$n.log"; done
  fail "$(greys) times a link was called grey in $((took_ms / 1000)) s"
}
wait_for 10 "every suspicion has ended" all_heard_again
echo "of $(suspects) suspicions the longest was over after $(suspicions | jq -s 'map(.ms) | max // 0') ms"
exit 0
