#!/usr/bin/env bash
# wg_conformance_rekey.sh LEFT RIGHT: traffic goes on through the renewal of the session (REKEY_AFTER_TIME, 120 s after LEFT started
# it) and nothing is lost. Takes a little more than two minutes.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
tunnel "$1" "$2"
expect_answer l 10.9.0.2
first=$(wg_show l latest-handshakes r)

# 130 s of pings, 20 a second
in_ns l ping -q -n -c 2600 -i 0.05 10.9.0.2 >"$work/ping.log" || fail "ping: $(tail -n 3 "$work/ping.log")"
grep -q " 0% packet loss" "$work/ping.log" || fail "packets were lost: $(grep loss "$work/ping.log")"
for pair in "l r" "r l"; do
  read -r node peer <<<"$pair"
  latest=$(wg_show "$node" latest-handshakes "$peer")
  [ $((latest - first)) -ge 119 ] || fail "$node ($(name_of "$node")): the latest handshake is $((latest - first)) s after the first"
  [ "${wg_kind[$node]}" = starling ] && grep "dropped" "$work/$node.log" && fail "drops at $node"
done
note "$(grep loss "$work/ping.log")"
