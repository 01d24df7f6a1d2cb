#!/bin/bash
# A large network in one process: cold start and failures, all as the oracle says, within bounds of time and memory.
#   large.sh SHAPE FAULTS WALL_SECONDS_MAX RSS_MIB_MAX      WALL_SECONDS_MAX -: not judged
. "$SOURCE_DIR/tests/lib.sh"
need_command jq
shape=$1 faults=$2 wall_max=$3 rss_max=$4

"$BIN/starling" sim run --generate "$shape" --faults "$faults" --json >"$work/run.log" 2>&1
status=$?
grep -v '^{' "$work/run.log"
result=$(tail -n 1 "$work/run.log")
jq -e . >/dev/null <<<"$result" || fail "the last line is no JSON object (status $status)"
[ "$(jq .ok <<<"$result")" = true ] && [ "$status" = 0 ] || fail "$(jq -r .fault <<<"$result") (again: $(jq -r .replay <<<"$result"))"
jq -e --argjson count "${faults##*:}" '.failures.count == $count and .failures.without_place == 0 and .failures.pairs > 0 and .coverage.routes > 0' >/dev/null <<<"$result" || fail "nothing was measured: $result"
jq -e --argjson max "$rss_max" '.rss_mib <= $max' >/dev/null <<<"$result" || fail "$(jq .rss_mib <<<"$result") MiB, more than $rss_max"
[ "$wall_max" = - ] || jq -e --argjson max "$wall_max" '.wall_s <= $max' >/dev/null <<<"$result" || fail "$(jq .wall_s <<<"$result") s, more than $wall_max"
exit 0
