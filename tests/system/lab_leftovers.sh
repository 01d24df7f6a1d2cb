#!/bin/bash
# However a lab ends, nothing of it stays: Ctrl-C, SIGTERM, SIGKILL of the lab, SIGKILL of lab and guardian (the next start
# sweeps), a daemon that dies, an error while it is being built.
. "$SOURCE_DIR/tests/lib.sh"
. "$SOURCE_DIR/tests/system/lab_lib.sh"
need_root
need_command nft nftables
name=leftovers-$$
long=$(small_topology "$name" '"expect": [{"all_reachable_at_ms": 600000}]')
routes_before=$(ip route show table all; ip -6 route show table all; ip rule; ip link)

# Starts the lab and waits until its daemons have converged; the pid is in $lab.
start_lab() {
  : >"$work/lab.log" # no former run's "converged"
  "$BIN/starling-lab" run "$long" "$@" >"$work/lab.log" 2>&1 &
  lab=$!
  pids+=("$lab")
  wait_for 30 "the lab converges" grep -q lab.converged "$work/lab.log"
  [ "$(remains_of "$name" | wc -l)" -ge 8 ] || fail "the test sees nothing of a lab that is up: $(remains_of "$name")"
}
gone() { wait_for 15 "nothing is left after $1" nothing_remains_of "$name"; }

for signal in INT TERM; do
  start_lab
  kill -"$signal" "$lab"
  wait "$lab"
  status=$?
  [ "$status" = $((128 + $(kill -l "$signal"))) ] || fail "exit status $status after SIG$signal"
  nothing_remains_of "$name" || fail "left after SIG$signal: $(remains_of "$name")"
  note "SIG$signal: nothing left"
done

start_lab
kill -KILL "$lab"
gone "SIGKILL"
note "SIGKILL: nothing left"

# A lab that is to stay does so only from its report on.
start_lab --keep
kill -KILL "$lab"
gone "SIGKILL of a lab with --keep"
note "SIGKILL of a lab with --keep, before its report: nothing left"

# Killed while it is still making things.
"$BIN/starling-lab" run "$SOURCE_DIR/topologies/grid-5x5.json" >"$work/early.log" 2>&1 &
lab=$!
wait_for 10 "the first namespace" has_namespaces grid-5x5
kill -KILL "$lab"
wait_for 15 "nothing is left of a lab killed early" nothing_remains_of grid-5x5
note "SIGKILL while it was being built: nothing left"

start_lab
guardian=$(pgrep -P "$lab" starling-guard) || fail "there is no guardian"
kill -KILL "$guardian" "$lab"
wait_for 5 "the daemons die with the lab" eval '! has_daemons "$name"'
has_namespaces "$name" || fail "this was to leave namespaces behind"
"$BIN/starling-lab" run "$SOURCE_DIR/topologies/pair.json" -q >/dev/null 2>&1 &
sweeper=$!
gone "the next start of any lab"
kill -INT "$sweeper"; wait "$sweeper"
nothing_remains_of pair || fail "left of pair: $(remains_of pair)"
note "SIGKILL of lab and guardian: swept by the next start"

start_lab
daemon=$(cat "/run/starling-lab/$name/b/pid")
kill -KILL "$daemon"
wait "$lab"
[ $? = 1 ] || fail "the lab did not notice that a daemon died"
grep -q 'starlingd of node b was killed by signal 9' "$work/lab.log" || fail "the lab does not say which daemon died: $(tail -n 3 "$work/lab.log")"
nothing_remains_of "$name" || fail "left after a daemon's death: $(remains_of "$name")"
note "a daemon's death: reported, nothing left"

# A namespace of that name that is not the lab's: refused, and not touched.
ip netns add "st-$name.b"; namespaces+=("st-$name.b")
"$BIN/starling-lab" run "$long" >"$work/lab.log" 2>&1 && fail "it took somebody else's namespace"
grep -q "st-$name.b" "$work/lab.log" || fail "it does not name the namespace in the way"
[ "$(remains_of "$name")" = "st-$name.b" ] || fail "left: $(remains_of "$name")"
ip netns del "st-$name.b"

[ "$(ip route show table all; ip -6 route show table all; ip rule; ip link)" = "$routes_before" ] ||
  fail "the machine's own routes, rules or devices changed"
