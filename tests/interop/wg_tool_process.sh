#!/usr/bin/env bash
# What starling-wg and wireguard-go do as processes: background and foreground, environment, what ends them and what they
# leave behind. Each line is held against both, so that it is true of the one whose place the other takes.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command wireguard-go
need_command python3

ns_add n
interface=$(wg_interface n)
socket=/var/run/wireguard/$interface.sock
exists() { ip -n "$(ns n)" link show "$interface" >/dev/null 2>&1; }
gone() { ! exists && [ ! -e "$socket" ]; }
ended() { ! kill -0 "$1" 2>/dev/null || [ "$(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null)" = Z ]; }

# run NAME VARIABLE=VALUE... -- ARGUMENTS...: in the foreground of its own process; its pid is in $pid
run() {
  local name=$1 variables=(); shift
  while [ "$1" != -- ]; do variables+=("$1"); shift; done
  shift
  start "$name" ip netns exec "$(ns n)" env "${variables[@]}" "$program" "$@" "$interface"
  pid=$!
}
# in_front NAME ...: as run, until it serves
in_front() { run "$@"; wait_for 5 "$program serves" in_ns n wg show "$interface"; }
# The engine that went to the background; it is ended with this test, whatever happens.
find_engine() {
  local found
  engine=
  for found in $(ip netns pids "$(ns n)"); do
    [ "$(cat "/proc/$found/comm")" = "${program##*/}" ] && engine=$found
  done
  [ -n "$engine" ] || fail "no $program runs in the background"
  pids+=("$engine")
}
ends_well() { # WHAT: the one in front has ended with status 0 and left nothing
  wait_for 5 "$program ends: $1" ended "$pid"
  wait "$pid" || fail "$program: $1: status $?"
  wait_for 5 "$program leaves nothing behind: $1" gone
}

hold_against() {
  note "$program: in the background it returns when the interface and the socket are there"
  in_ns n timeout 10 "$program" "$interface" >"$work/background.log" 2>&1 </dev/null || fail "$program: status $?"
  exists || fail "$program returned before its interface was there"
  [ -S "$socket" ] || fail "$program returned before its socket was there"
  [ "$(stat -c %A "$socket")" = srwx------ ] || fail "$program: mode $(stat -c %A "$socket")"
  [ "$(stat -c %a /var/run/wireguard)" = 755 ] || fail "mode of the folder: $(stat -c %a /var/run/wireguard)"
  [ "$(ip -n "$(ns n)" -j link show "$interface" | grep -o '"mtu":[0-9]*')" = '"mtu":1420' ] || fail "$program: not 1420"
  ip -n "$(ns n)" link show "$interface" | found "[<,]UP[,>]" && fail "$program brought the interface up"
  wait_for 5 "$program answers" in_ns n wg show "$interface"
  find_engine
  [ "$(cut -d' ' -f4 "/proc/$engine/stat")" != $$ ] || fail "$program is our child"

  note "$program: a second one for the same interface does not start and disturbs nothing"
  in_ns n timeout 10 env WG_PROCESS_FOREGROUND=1 "$program" "$interface" >"$work/second.log" 2>&1 && fail "$program started twice"
  in_ns n wg show "$interface" >/dev/null || fail "$program was disturbed"
  kill -TERM "$engine"
  wait_for 5 "$program ends on SIGTERM" ended "$engine"
  wait_for 5 "$program leaves nothing" gone

  note "$program: what ends it"
  in_front term -- -f; kill -TERM "$pid"; ends_well SIGTERM
  in_front interrupt -- --foreground; kill -INT "$pid"; ends_well SIGINT
  in_front variable WG_PROCESS_FOREGROUND=1 --; rm "$socket"; ends_well "its socket is removed"
  in_front link WG_PROCESS_FOREGROUND=1 --; ip -n "$(ns n)" link del "$interface"; ends_well "its interface is removed"

  note "$program: a socket that a crash left behind is replaced"
  in_front crash -- -f; kill -KILL "$pid"; wait "$pid" 2>/dev/null
  [ -S "$socket" ] || fail "there is none"
  wait_for 5 "the interface is gone" eval '! exists'
  in_front after -- -f; kill -TERM "$pid"; ends_well "after a crash"

  note "$program: a TUN and a socket that are handed in"
  start handed ip netns exec "$(ns n)" python3 "$SOURCE_DIR/tests/interop/hand_in.py" "$interface" "$socket" "$program" -f "$interface"
  pid=$!
  wait_for 5 "$program serves what it was handed" in_ns n wg show "$interface"
  [ "$(ip netns pids "$(ns n)" | wc -l)" = 1 ] || fail "more than one process"
  kill -TERM "$pid"
  wait_for 5 "$program ends with what it was handed" ended "$pid"
  wait "$pid" || fail "status $?"
  rm -f "$socket"

  note "$program: LOG_LEVEL=silent says nothing"
  in_front silent LOG_LEVEL=silent -- -f
  in_ns n python3 -c "
import socket
s = socket.socket(socket.AF_UNIX); s.connect('$socket'); s.send(b'set=1\nnonsense=1\n\n'); print(s.recv(99))" >"$work/answer"
  grep -q "errno=-22" "$work/answer" || fail "$(cat "$work/answer")"
  kill -TERM "$pid"; ends_well silent
  grep -v -e '│' -e '┌' -e '└' "$work/silent.log" && fail "$program: said that with LOG_LEVEL=silent"
  return 0
}

program=wireguard-go hold_against
program=$BIN/starling-wg
hold_against

note "starling-wg alone: what was silent is said"
in_front said LOG_LEVEL=error -- -f
in_ns n python3 -c "
import socket
s = socket.socket(socket.AF_UNIX); s.connect('$socket'); s.send(b'set=1\nnonsense=1\n\n'); s.recv(99)"
wait_for 5 "the refusal is in the log" grep -q "refused: Invalid argument: nonsense: the interface has no such key" "$work/said.log"
grep -q "^Max core file size *0 *0 " "/proc/$pid/limits" || fail "core dumps: $(grep core "/proc/$pid/limits")"
"$program" --drops "$interface" >"$work/drops" || fail "--drops: status $?"
grep -q "^nothing was dropped$" "$work/drops" || fail "--drops: $(cat "$work/drops")"
[ "$("$program" --drops --json "$interface")" = "[]" ] || fail "--drops --json"
"$program" --drops "no$$" 2>"$work/drops" && fail "drops of an interface that nobody serves"
grep -q "does starling-wg run for it" "$work/drops" || fail "--drops: $(cat "$work/drops")"
"$program" --json "$interface" >/dev/null 2>&1; [ $? = 2 ] || fail "--json alone was taken"
kill -TERM "$pid"; ends_well said
run badfd WG_TUN_FD=x -- -f; wait "$pid"; [ $? = 1 ] || fail "WG_TUN_FD=x was taken"
grep -q "WG_TUN_FD=x: must be the number of an open file descriptor" "$work/badfd.log" || fail "$(cat "$work/badfd.log")"
run nofd WG_UAPI_FD=77 -- -f; wait "$pid"; [ $? = 1 ] || fail "WG_UAPI_FD=77 was taken"
grep -q "must be a listening UNIX socket" "$work/nofd.log" || fail "$(cat "$work/nofd.log")"
exists && fail "an interface was left behind"
note "ok"
