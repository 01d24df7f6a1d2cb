#!/bin/bash
# What `starling` does without a daemon: pages of help, wrong words, other programs by their word, closed pipes, `check`.
. "$SOURCE_DIR/tests/lib.sh"
starling=$BIN/starling

# expect STATUS PATTERN ARGUMENTS...: the status, and a line of stdout or stderr that matches.
expect() {
  local status=$1 pattern=$2 got; shift 2
  "$starling" "$@" >"$work/out" 2>&1 </dev/null; got=$?
  [ $got = "$status" ] || fail "starling $*: status $got, not $status: $(cat "$work/out")"
  grep -q -e "$pattern" "$work/out" || fail "starling $*: no '$pattern' in: $(cat "$work/out")"
}

expect 0 '^starling 0\.' --version
expect 0 '^EXIT STATUS' --help
for command in show watch capture drain undrain check keygen pubkey grant; do
  expect 0 "^starling $command - " "$command" --help
  expect 0 "^starling $command - " help "$command"
  expect 0 "^  $command " --help
done
expect 2 'what to do?'
expect 2 'there is no view `rotues` (did you mean `routes`?)' show rotues
expect 2 'see `starling show --help`' show
expect 2 'not expected' show routes more
expect 2 'did you mean `show`?' shwo routes
expect 2 'is no command' frobnicate
expect 2 'is no command' ../../bin/sh
note "help, and words that are wrong"

expect 1 "there is no such socket" --control "$work/none.sock" show status
expect 1 "is starlingd running" -i "none$$" watch
note "no daemon"

# Other programs: beside starling first (a copy, since what it stands beside must be the test's own), then PATH.
mkdir "$work/beside" "$work/path"
cp "$starling" "$work/beside/starling"
for place in beside path; do
  printf '#!/bin/sh\necho "%s:" "$@"\n' $place >"$work/$place/starling-lab"
  cp "$work/$place/starling-lab" "$work/$place/starling-other"
  chmod +x "$work/$place"/starling-*
done
rm "$work/beside/starling-other"
other() { PATH="$work/path:$PATH" "$work/beside/starling" "$@"; }
[ "$(other lab run x --json)" = "beside: run x --json" ] || fail "lab: $(other lab run x --json)"
[ "$(other sim --nodes 5)" = "beside: sim --nodes 5" ] || fail "sim: $(other sim --nodes 5)"
[ "$(other other -i x)" = "path: -i x" ] || fail "other: $(other other -i x)"
rm "$work"/*/starling-lab
"$work/beside/starling" lab run >"$work/out" 2>&1; status=$?
[ $status = 2 ] && grep -q 'needs the program starling-lab' "$work/out" || fail "lab without its program: $(cat "$work/out")"
note "other programs"

# `| head` ends it quietly, also where SIGPIPE is ignored.
(trap '' PIPE; "$starling" --help 2>"$work/error"; echo "status $?" >&2) 2>>"$work/error" | head -c 1 >/dev/null
"$starling" --help 2>>"$work/error" | head -n 1 >/dev/null
grep -v '^status' "$work/error" && fail "a closed pipe is complained about"
if [ -c /dev/full ]; then
  "$starling" --help >/dev/full 2>"$work/error"; status=$?
  [ $status = 1 ] && grep -q 'No space left' "$work/error" || fail "a full disk goes unnoticed: $status"
fi
note "closed pipes and full disks"

(umask 077; "$starling" keygen >"$work/key")
peer=$("$starling" keygen | "$starling" pubkey)
cat >"$work/good.json" <<EOF
{"interface":"star0","private_key_file":"key","name":"a","listen_port":51820,"addresses":["10.0.0.1/24"],
 "announce":["10.1.0.0/16"],"peers":[{"public_key":"$peer","endpoint":"192.0.2.1:51820"}]}
EOF
expect 0 "^$work/good.json: ok" check "$work/good.json"
expect 0 "node a on star0, port 51820, 1 peer, 1 address, 1 further prefix" check "$work/good.json"
sed 's/"endpoint":"192.0.2.1:51820"/"endpoint":"192.0.2.1","cots":3/' "$work/good.json" >"$work/bad.json"
expect 2 "$work/bad.json: /peers/0/endpoint: " check "$work/bad.json"
expect 2 "/peers/0/cots: " check "$work/bad.json"
expect 2 "$work/none.json" check "$work/none.json"
printf '{"interface":\n' >"$work/broken.json"
expect 2 "$work/broken.json: line " check "$work/broken.json"
expect 2 'check which file' check
note "check"
