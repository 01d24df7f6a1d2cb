#!/bin/bash
# Two hundred small networks, each from a seed: chaos under loss, duplication and reordering, safety checked all along, then
# heal, and everything must be as the oracle says. A seed that fails is printed with the command that repeats it.
#   sweep.sh FIRST-LAST
. "$SOURCE_DIR/tests/lib.sh"
need_command jq
range=$1

"$BIN/starling" sim sweep --seeds "$range" --json >"$work/sweep.log" 2>&1
status=$?
result=$(tail -n 1 "$work/sweep.log")
jq -e . >/dev/null <<<"$result" || fail "the last line is no JSON object (status $status)"
jq -r '.failed[] | "seed \(.seed): \(.fault)\n  again: \(.replay)"' <<<"$result"
[ "$(jq .ok <<<"$result")" = true ] && [ "$status" = 0 ] || fail "$(jq '.failed | length' <<<"$result") seeds failed, status $status"
[ "$(jq .seeds <<<"$result")" = $((${range#*-} - ${range%-*} + 1)) ] || fail "not all seeds were run"
jq -e '.checks > 10000 and .faults > 500 and .healed_ms.count == .seeds' >/dev/null <<<"$result" || fail "hardly anything was checked: $result"
note "$(jq -c '{seeds, routers, faults, checks, start_converged_ms, healed_ms, wall_s, rss_mib}' <<<"$result")"
exit 0
