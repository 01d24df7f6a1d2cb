#!/bin/bash
# Runs a shipped topology, whole: every expectation about reachability, paths and convergence must hold, all daemons must
# end well. Outages are shown and not judged here: how long a packet waits for a processor is the machine's affair.
#   lab_topology.sh NAME
. "$SOURCE_DIR/tests/lib.sh"
need_root
need_command jq
need_command nft nftables
name=$1

"$BIN/starling" lab run "$SOURCE_DIR/topologies/$name.json" --json --out "$work/out" >"$work/run.log" 2>"$work/errors.log"
status=$?
sed -n '/^CONVERGED AFTER/,$p' "$work/run.log"
result=$(tail -n 1 "$work/run.log")
jq -e . >/dev/null <<<"$result" || { cat "$work/errors.log"; fail "the last line of standard output is no JSON object (status $status)"; }
[ "$status" -le 1 ] || fail "exit status $status"

[ "$(jq -r .topology <<<"$result")" = "$name" ] || fail "it is called otherwise"
[ "$(jq .nodes <<<"$result")" = "$(jq '.nodes | length' "$SOURCE_DIR/topologies/$name.json")" ] || fail "wrong number of nodes"
[ "$(jq .links <<<"$result")" = "$(jq '.links | length' "$SOURCE_DIR/topologies/$name.json")" ] || fail "wrong number of links"
[ "$(jq '.expectations | length' <<<"$result")" = "$(jq '.expect | length' "$SOURCE_DIR/topologies/$name.json")" ] ||
  fail "not every expectation was judged"
missed=$(jq -c '.expectations[] | select(.held | not) | select(.expect | has("max_outage_ms") | not)' <<<"$result")
[ -z "$missed" ] || fail "did not hold: $missed"
jq -e '.converged_ms > 0 and all(.probes[]; .sent > 100 and .received > 0)' >/dev/null <<<"$result" || fail "no convergence, or a silent probe"
grep -q '^fault:' "$work/run.log" && fail "$(grep '^fault:' "$work/run.log")"
outages_held=$(jq 'all(.expectations[]; .held)' <<<"$result")
[ "$outages_held" = "$(jq .ok <<<"$result")" ] || fail "ok does not say what the expectations say"
[ "$outages_held" = true ] && [ "$status" != 0 ] && fail "all held, but the exit status is $status"

cmp -s <(echo "$result") "$work/out/report.json" || fail "report.json is not what was printed"
jq -es 'length > 50 and (map(.mono_ns) | . == sort)' >/dev/null "$work/out/events.jsonl" || fail "events.jsonl is short or out of order"
for node in $(jq -r '.nodes | keys[]' "$SOURCE_DIR/topologies/$name.json"); do
  "$BIN/starling" check "$work/out/$node.json" >/dev/null || fail "the configuration of $node is not one that starlingd takes"
  [ -s "$work/out/$node.log" ] || fail "no log of $node"
done
ip netns list | grep "^st-$name\." && fail "namespaces are left"
[ -e "/run/starling-lab/$name" ] && fail "the lab's folder is left"
exit 0
