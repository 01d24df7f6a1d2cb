#!/bin/bash
# A wrong configuration: every error with file and pointer, exit status 2, and nothing made.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command python3

ns_add a
node a '{"mtu": 12, "listenport": 7000, "peers": [{"public_key": "x"}]}'
in_ns a "$BIN/starlingd" -c "$work/a.json" --control "$work/run/a.sock" >"$work/out" 2>"$work/err.log"
status=$?
[ $status = 2 ] || fail "exit status $status"
for pointer in /mtu /listenport /peers/0/public_key; do
  grep -q "^$work/a.json: $pointer: " "$work/err.log" || fail "no error at $pointer"
done
grep -q 'did you mean "listen_port"' "$work/err.log" || fail "no advice"
[ ! -e "$work/run" ] || fail "a socket was made"
[ "$(in_ns a ip -o link | wc -l)" = 1 ] || fail "an interface was made"

"$BIN/starlingd" -c "$work/absent.json" 2>"$work/err.log"; [ $? = 2 ] || fail "an absent file"
grep -q "absent.json" "$work/err.log" || fail "the absent file is not named"
"$BIN/starlingd" 2>"$work/err.log"; [ $? = 2 ] || fail "no file named"
"$BIN/starlingd" --check -c "$work/a.json" 2>"$work/err.log"; [ $? = 2 ] || fail "--check took a wrong file"
node a
"$BIN/starlingd" --check -c "$work/a.json" >"$work/out" || fail "--check refused a right file"

note "a port in use is a failure to start, told, and undone"
start holder ip netns exec "$(ns a)" python3 -c '
import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 7000))
print("bound", flush=True); signal.pause()'
wait_for 10 "the port is taken" grep -q bound "$work/holder.log"
in_ns a "$BIN/starlingd" -c "$work/a.json" --control "$work/a.sock" >"$work/start.log" 2>&1
[ $? = 1 ] || fail "started on a port that is taken"
grep -q 7000 "$work/start.log" || fail "the port is not named"
[ "$(in_ns a ip -o link | wc -l)" = 1 ] || fail "the interface stayed"
[ ! -e "$work/a.sock" ] || fail "the socket stayed"
exit 0
