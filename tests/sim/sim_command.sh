#!/bin/bash
# `starling sim` as a person uses it: a shipped topology in virtual time, the same bytes for the same seed, the command that
# repeats a failing run, bad input, Ctrl-C.
. "$SOURCE_DIR/tests/lib.sh"
need_command jq
sim=("$BIN/starling" sim)

# --- a shipped topology, its events and expectations ---
"${sim[@]}" run diamond --json >"$work/diamond.log" 2>&1 || fail "diamond does not hold in virtual time: $(tail -n 3 "$work/diamond.log")"
result=$(tail -n 1 "$work/diamond.log")
jq -e '.ok and (.expectations | length) == 8 and all(.expectations[]; .held) and .failures.count == 1' >/dev/null <<<"$result" ||
  fail "diamond: $result"
found -E 'a→d +7999 +79[0-9]{2} +1 +[0-9.]+ ms' <"$work/diamond.log" || fail "the probe's outage is not printed for people: $(cat "$work/diamond.log")"

# --- so do the others ---
for file in "$SOURCE_DIR"/topologies/*.json; do
  jq -e .nodes "$file" >/dev/null || continue  # the schema
  "${sim[@]}" run "$file" >"$work/shipped.log" 2>&1 || fail "$file does not hold in virtual time: $(tail -n 4 "$work/shipped.log")"
done

# --- the same seed, the same JSON; another seed, another ---
told() { jq -cS 'walk(if type == "object" then with_entries(select(.key | test("wall|rss") | not)) else . end)'; }
report() { "${sim[@]}" run --generate random:12,3 --seed "$1" --faults cut:2,chaos:5 --json -q | tail -n 1 | told; }
report 3 >"$work/first" && report 3 >"$work/second" && report 4 >"$work/third"
[ -s "$work/first" ] || fail "no report"
cmp -s "$work/first" "$work/second" || fail "the same seed gave another report"
cmp -s "$work/first" "$work/third" && fail "another seed gave the same report"
for member in seed start idle coverage failures repairs chaos arrivals trace replay ok; do
  jq -e --arg m "$member" 'has($m)' >/dev/null "$work/first" || fail "the report has no $member"
done
for spread in detected_idle_ms flooded_ms converged_ms outage_ms black_hole_ms micro_loop_ms spf_runs_per_node messages_per_node bytes_per_node; do
  jq -e --arg m "$spread" '.failures[$m] | has("count")' >/dev/null "$work/first" || fail "the failures have no $spread"
done
jq -e '.failures.converged_ms | .min <= .median and .median <= .p95 and .p95 <= .p99 and .p99 <= .max' >/dev/null "$work/first" || fail "quantiles out of order"

# --- a run that fails prints one command, which fails in the same way ---
cat >"$work/hard.json" <<'END'
{"nodes": {"a": {}, "b": {}, "c": {}}, "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "c"]}, {"nodes": ["a", "c"], "cost": 90}],
 "probes": [{"from": "a", "to": "c", "interval_ms": 1}], "events": [{"at_ms": 100, "cut": ["b", "c"]}],
 "expect": [{"max_outage_ms": 1, "probe": ["a", "c"]}]}
END
"${sim[@]}" run "$work/hard.json" --seed 5 --json >"$work/hard.log" 2>&1
[ $? = 1 ] || fail "an expectation that cannot hold gave status $?"
replay=$(tail -n 1 "$work/hard.log" | jq -r .replay)
found -F -- "  $replay" <"$work/hard.log" || fail "the replay command is not printed for people"
set -- $replay
[ "$1 $2 $3" = "starling sim run" ] || fail "the replay command is: $replay"
shift
"$BIN/starling" "$@" --json >"$work/again.log" 2>&1
[ $? = 1 ] || fail "the replay did not fail"
[ "$(tail -n 1 "$work/again.log" | told)" = "$(tail -n 1 "$work/hard.log" | told)" ] || fail "the replay went another way"

# --- what a sweep prints for a seed does what the sweep did ---
for seed in 2 3 5; do
  "${sim[@]}" sweep --seeds "$seed" --json -q >"$work/sweep.log" 2>&1 || fail "sweep --seeds $seed: $(cat "$work/sweep.log")"
  read -ra alone < <("${sim[@]}" sweep --seeds "$seed" --list)
  [ "${alone[*]:0:3}" = "starling sim run" ] || fail "sweep --list: ${alone[*]}"
  "$BIN/starling" "${alone[@]:1}" --json -q >"$work/alone.log" 2>&1 || fail "${alone[*]}: $(cat "$work/alone.log")"
  done_by() { tail -n 1 "$1" | jq -c '[.arrivals, .checks]'; }
  [ "$(done_by "$work/sweep.log")" = "$(done_by "$work/alone.log")" ] || fail "seed $seed alone: $(done_by "$work/alone.log"), in the sweep $(done_by "$work/sweep.log")"
done

# --- generate makes a file that `lab check` and `sim run` take ---
"${sim[@]}" generate fat-tree:4 >"$work/tree.json" || fail "generate"
"$BIN/starling" lab check "$work/tree.json" | found '20 nodes, 32 links' || fail "the lab does not take what generate prints"
"${sim[@]}" run "$work/tree.json" -q >"$work/tree.log" || fail "sim does not take what generate prints"

# --- bad input: status 2, and what would be right ---
bad() {
  local pattern=$1 status; shift
  "${sim[@]}" "$@" >"$work/bad.log" 2>&1
  status=$?
  [ "$status" = 2 ] || fail "sim $*: status $status"
  found -- "$pattern" <"$work/bad.log" || fail "sim $*: $(cat "$work/bad.log")"
}
bad 'grid:ROWSxCOLUMNS' run --generate grid:4
bad 'chaos:SECONDS' run diamond --faults cuts:3
bad 'delay=1ms' run diamond --link delay=fast
bad 'interval of 10ms' run diamond --hello 1ms
bad 'two-way' run diamond --traffic some
bad 'no such file' run no-such-topology
bad '--generate' run
bad 'FIRST-LAST' sweep --seeds 9-1
printf '{"nodes": {"a": {}, "b": {}}, "links": [{"nodes": ["a", "b"], "sim": {"delay": 1}}]}' >"$work/bad.json"
bad '/links/0/sim/delay' run "$work/bad.json"
"${sim[@]}" --help | found 'Examples:' || fail "--help has no examples"

# --- Ctrl-C ends it at once, with its status ---
start long "${sim[@]}" run --generate grid:16x16 --faults chaos:3600
pid=$!
wait_for 20 "chaos" found 'chaos for' "$work/long.log"
kill -INT "$pid"
timeout 10 tail --pid="$pid" -f /dev/null || fail "Ctrl-C does not end it"
wait "$pid"
[ $? = 130 ] || fail "Ctrl-C gave status $?"
exit 0
