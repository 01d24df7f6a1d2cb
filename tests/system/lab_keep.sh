#!/bin/bash
# --keep leaves a lab up after its report; exec reaches into it; down takes it away; meanwhile its name is taken.
. "$SOURCE_DIR/tests/lib.sh"
. "$SOURCE_DIR/tests/system/lab_lib.sh"
need_root
need_command nft nftables
need_command jq
need_command wg wireguard-tools
name=keep-$$
file=$(small_topology "$name" '"expect": [{"converged_within_ms": 10000}, {"all_reachable_at_ms": 100}]')
lab() { "$BIN/starling" lab "$@"; }
take_down_and_finish() {
  local status=$?
  "$BIN/starling-lab" down "$name" >/dev/null 2>&1
  (exit "$status")
  finish
}
trap take_down_and_finish EXIT

lab exec "$file" a -- true 2>"$work/error" && fail "exec into a lab that is not up"
grep -q 'not up' "$work/error" || fail "exec does not say that the lab is not up: $(cat "$work/error")"
lab down "$file" 2>/dev/null && fail "down of a lab that is not up"

lab run "$file" --keep --json >"$work/run.log" 2>&1 || fail "the run: $(tail -n 20 "$work/run.log")"
[ "$(tail -n 1 "$work/run.log" | jq .ok)" = true ] || fail "not ok: $(tail -n 1 "$work/run.log")"
has_daemons "$name" || fail "no daemon is left running"
[ "$(stat -c %a "/run/starling-lab/$name")" = 700 ] || fail "the lab's folder is open to others"

c_v4=$(jq -r '.addresses[0]' "/run/starling-lab/$name/c/config.json")
c_v6=$(jq -r '.addresses[1]' "/run/starling-lab/$name/c/config.json")
lab exec "$file" a -- ping -c 2 -i 0.2 -W 2 "${c_v4%/*}" >"$work/ping" || fail "no ping over the kept lab: $(cat "$work/ping")"
lab exec "$file" a -- ping -6 -c 2 -i 0.2 -W 2 "${c_v6%/*}" >"$work/ping" || fail "no IPv6 ping over the kept lab: $(cat "$work/ping")"
lab exec "$name" a -- starling show routes --json >"$work/routes" || fail "starling show routes inside the lab"
jq -e --arg prefix "$c_v4" 'any(.[]; .prefix == $prefix and .next_hops == ["b"] and .status == "installed")' "$work/routes" >/dev/null ||
  fail "a has no route to c: $(cat "$work/routes")"
lab exec "$name" b -- wg show all allowed-ips >"$work/allowed-ips" || fail "wg show inside the lab"
grep -qF "$c_v4" "$work/allowed-ips" || fail "wg does not show b's neighbours in b: $(cat "$work/allowed-ips")"
lab exec "$file" b -- sh -c 'exit 7'
[ $? = 7 ] || fail "exec does not hand back the command's status"
lab exec "$file" z -- true 2>"$work/error" && fail "exec in a node that is not there"
grep -q 'nodes are a, b, c' "$work/error" || fail "exec does not name the nodes: $(cat "$work/error")"

lab run "$file" >"$work/second.log" 2>&1 && fail "the same lab a second time"
grep -q "up already" "$work/second.log" && grep -q "lab down" "$work/second.log" || fail "no clear refusal: $(cat "$work/second.log")"
lab exec "$file" a -- ping -c 1 -W 2 "${c_v4%/*}" >/dev/null || fail "the refused second run hurt the first"

lab down "$file" >/dev/null || fail "down"
nothing_remains_of "$name" || fail "left after down: $(remains_of "$name")"
note "kept, used and taken down"
