#!/bin/bash
# `starling show` and `starling watch` against two real daemons.
. "$SOURCE_DIR/tests/lib.sh"
need_root
need_command jq
starling=$BIN/starling
ns_add a
ns_add b
veth a b 192.0.2.1/24 192.0.2.2/24

# node NAME NUMBER PEER-NUMBER
for number in 1 2; do (umask 077; "$starling" keygen >"$work/key$number"); done
node() {
  cat >"$work/$1.json" <<EOF
{"interface":"star0","private_key_file":"key$2","name":"$1","listen_port":51820,"addresses":["10.0.0.$2/32"],
 "peers":[{"public_key":"$("$starling" pubkey <"$work/key$3")","endpoint":"192.0.2.$3:51820"}]}
EOF
  in_ns "$1" sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  start "$1" ip netns exec "$(ns "$1")" "$BIN/starlingd" -c "$work/$1.json" --control "$work/$1.sock"
}
node a 1 2
daemon_a=$!
show() { "$starling" --control "$work/a.sock" show "$@"; }
wait_for 10 "daemon a answers" show status
"$starling" --control "$work/a.sock" watch --json >"$work/events" 2>"$work/watch-error" & pids+=($!)
watch_pid=$!
node b 2 1

is_full() { show neighbors --json | jq -e '.[0].state == "Full"'; }
wait_for 15 "a and b are Full" is_full
has_route() { show routes --json | jq -e '.[] | select(.prefix == "10.0.0.2/32") | .status == "installed" and .next_hops == ["b"]'; }
wait_for 10 "a has the route to b" has_route

for view in status neighbors routes lsdb grants tunnels egress ingress; do
  show "$view" --json | jq -e . >/dev/null || fail "show $view --json is no JSON"
  show "$view" >"$work/$view.txt" || fail "show $view fails"
  [ -s "$work/$view.txt" ] || fail "show $view says nothing"
  grep -q $'\033' "$work/$view.txt" && fail "show $view colours a file"
done
grep -Eq '^b +Full +[0-9.]+ (ms|s|min) .* 192\.0\.2\.2:51820$' "$work/neighbors.txt" || fail "neighbors: $(cat "$work/neighbors.txt")"
grep -Eq '^10\.0\.0\.1/32 .* own' "$work/routes.txt" || fail "routes: $(cat "$work/routes.txt")"
grep -Eq '^10\.0\.0\.2/32 +b +10 +b +installed$' "$work/routes.txt" || fail "routes: $(cat "$work/routes.txt")"
grep -Eq '^b +192\.0\.2\.2:51820 +.* ago' "$work/tunnels.txt" || fail "tunnels: $(cat "$work/tunnels.txt")"
grep -Eq '^10\.0\.0\.2/32 +b$' "$work/egress.txt" || fail "egress: $(cat "$work/egress.txt")"
[ "$(show status --json | jq -r .name)" = a ] || fail "status"
note "views"

saw() { jq -e -s --arg event "$1" 'any(.[]; .event == $event)' "$work/events"; }
wait_for 5 "watch tells of the session" saw tunnel.session
wait_for 5 "watch tells of the route" saw route.install
jq -e -s 'any(.[]; .event == "neighbor.state" and .to == "Full" and .neighbor == "b")' "$work/events" >/dev/null || fail "no neighbor.state: $(cat "$work/events")"
jq -e -s 'all(.[]; (.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{6}Z$")) and .mono_ns > 0 and .node == "a" and (.level | type) == "string" and (.cause.kind | type) == "string")' \
  "$work/events" >/dev/null || fail "an event without its envelope"
note "watch"

kill -INT "$watch_pid"
wait "$watch_pid"; status=$?
[ $status = 0 ] && [ ! -s "$work/watch-error" ] || fail "Ctrl-C ends watch with $status: $(cat "$work/watch-error")"
"$starling" --control "$work/a.sock" watch --replay >"$work/replay.txt" 2>"$work/watch-error" & pids+=($!)
watch_pid=$!
replayed() { grep -Eq '^[0-9:.]{15}  neighbor\.state +b  Exchange -> Full' "$work/replay.txt"; }
wait_for 5 "replay tells what was before" replayed
note "replay"

kill "$daemon_a"
wait "$watch_pid"; status=$?
[ $status = 1 ] && grep -q 'closed the connection' "$work/watch-error" || fail "watch outlives its daemon: $status"
grep -q 'daemon.stop' "$work/replay.txt" || fail "the end of the daemon was not told: $(tail -n 3 "$work/replay.txt")"
wait "$daemon_a"
[ ! -e "$work/a.sock" ] || fail "the socket is left behind"
show status 2>"$work/error"; [ $? = 1 ] && grep -q 'there is no such socket' "$work/error" || fail "no word about the missing daemon"
note "the daemon's end"
