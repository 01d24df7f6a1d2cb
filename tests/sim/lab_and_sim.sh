#!/bin/bash
# The lab and the simulator run the same topology with the same events: a silent cut under a 1 ms probe. The lab's median outage
# must lie within what the simulator's seeds give, and a stated tolerance (docs/simulation.md): a real machine's timers and processors.
#   lab_and_sim.sh RUNS SEEDS
. "$SOURCE_DIR/tests/lib.sh"
need_root
need_command jq
need_command nft nftables
runs=$1 seeds=$2
tolerance_ms=25

for shape in diamond ring; do
  case $shape in
    diamond)
      nodes='"a": {}, "b": {}, "c": {}, "d": {}'
      links='{"nodes": ["a", "b"]}, {"nodes": ["b", "d"]}, {"nodes": ["a", "c"], "cost": 20}, {"nodes": ["c", "d"], "cost": 20}'
      to=d cut='["b", "d"]' ;;
    ring)
      nodes='"a": {}, "b": {}, "c": {}, "d": {}, "e": {}, "f": {}'
      links='{"nodes": ["a", "b"]}, {"nodes": ["b", "c"]}, {"nodes": ["c", "d"]}, {"nodes": ["d", "e"]}, {"nodes": ["e", "f"]}, {"nodes": ["f", "a"]}'
      to=c cut='["b", "c"]' ;;
  esac
  cat >"$work/both-$shape.json" <<END
{"name": "both-$shape-$$", "nodes": {$nodes}, "links": [$links],
 "probes": [{"from": "a", "to": "$to", "interval_ms": 1}],
 "events": [{"at_ms": 2513, "cut": $cut}], "expect": [{"converged_within_ms": 5000}]}
END
  for ((i = 1; i <= runs; i++)); do
    "$BIN/starling" lab run "$work/both-$shape.json" --json -q >"$work/lab.log" 2>&1 || fail "the lab's run of $shape"
    tail -n 1 "$work/lab.log" | jq '.probes[0].longest_outage_ms'
  done | sort -n >"$work/lab"
  for ((i = 1; i <= seeds; i++)); do
    "$BIN/starling" sim run "$work/both-$shape.json" --seed "$i" --link delay=100us --json -q >"$work/sim.log" 2>&1 || fail "the simulator's run of $shape"
    tail -n 1 "$work/sim.log" | jq '.probes[0].longest_outage_ms'
  done | sort -n >"$work/sim"
  [ "$(wc -l <"$work/lab")" = "$runs" ] && [ "$(wc -l <"$work/sim")" = "$seeds" ] || fail "not every run of $shape gave an outage"
  lab=$(sed -n "$(((runs + 1) / 2))p" "$work/lab") least=$(head -n 1 "$work/sim") most=$(tail -n 1 "$work/sim")
  note "$shape: the lab's outages $(tr '\n' ' ' <"$work/lab")ms, median $lab; the simulator's $least to $most ms"
  jq -en --argjson lab "$lab" --argjson least "$least" --argjson most "$most" --argjson t "$tolerance_ms" \
    '$lab >= $least - $t and $lab <= $most + $t' >/dev/null || fail "$shape: $lab ms in the lab is not within $least - $tolerance_ms to $most + $tolerance_ms"
done
exit 0
