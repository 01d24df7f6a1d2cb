# Shared by the shell tests: namespaces of their own, waiting for conditions, and a clean end whatever happens.
# Source it first:  . "$SOURCE_DIR/tests/lib.sh"
# BIN (our programs) and SOURCE_DIR (the checkout) come from ctest; by hand: BIN=build/release/bin SOURCE_DIR=$PWD tests/...
set -u -o pipefail

fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "SKIPPED: $*" >&2; exit 77; }
note() { echo "-- $*"; }

need_root() {
  [ "$(id -u)" = 0 ] || skip "needs root (namespaces, TUN)"
  [ -c /dev/net/tun ] || skip "needs /dev/net/tun"
  ip netns add "probe$$" 2>/dev/null && ip netns del "probe$$" || skip "needs network namespaces"
}
need_command() { command -v "$1" >/dev/null || skip "needs the command $1 (package ${2:-$1})"; }

# found [GREP_OPTION...] PATTERN: behind a pipe, instead of `grep -q`, which ends at the first match: what still writes dies of
# SIGPIPE then, and pipefail takes a match for none.
found() { grep "$@" >/dev/null; }

# aead_here: the library that our programs encrypt packets with (wg/protocol/aead.h), here and with this environment.
aead_here() {
  if [ -n "${STARLING_AEAD:-}" ]; then
    echo "$STARLING_AEAD"
  elif grep -qw avx2 /proc/cpuinfo && grep -q libIPSec_MB "$BIN/starling-wg"; then
    echo libipsec-mb
  else
    echo libsodium
  fi
}

work=$(mktemp -d)
namespaces=()
pids=()

# Ends what this test started, newest first: processes by pid, then namespaces, then files.
finish() {
  local status=$? i
  trap - EXIT INT TERM
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2>/dev/null; done
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    timeout 5 tail --pid="${pids[i]}" -f /dev/null 2>/dev/null || kill -KILL "${pids[i]}" 2>/dev/null
  done
  wait 2>/dev/null
  for ((i = ${#namespaces[@]} - 1; i >= 0; i--)); do ip netns del "${namespaces[i]}" 2>/dev/null; done
  [ "$status" -ne 0 ] && for i in "$work"/*.log; do [ -s "$i" ] && { echo "== ${i##*/} (last lines)"; tail -n 30 "$i"; }; done >&2
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# ns_add NAME: a namespace of this test, called NAME-PID outside (print it with `ns NAME`).
ns() { echo "$1-$$"; }
ns_add() {
  local name; name=$(ns "$1")
  ip netns add "$name" || fail "cannot make namespace $name"
  namespaces+=("$name")
  ip -n "$name" link set lo up
}
# in_ns NAME COMMAND...
in_ns() { local name; name=$(ns "$1"); shift; ip netns exec "$name" "$@"; }
# veth A B ADDRESS_A ADDRESS_B...: a veth pair, device `to-B` in A and `to-A` in B; addresses alternate between the ends, with length.
veth() {
  local a=$1 b=$2; shift 2
  ip link add "to-$b" netns "$(ns "$a")" type veth peer name "to-$a" netns "$(ns "$b")" || fail "veth $a $b"
  while [ $# -gt 0 ]; do
    ip -n "$(ns "$a")" addr add "$1" dev "to-$b" nodad || fail "address $1"
    ip -n "$(ns "$b")" addr add "$2" dev "to-$a" nodad || fail "address $2"
    shift 2
  done
  ip -n "$(ns "$a")" link set "to-$b" up
  ip -n "$(ns "$b")" link set "to-$a" up
}
# start LOG COMMAND...: in the background, output to $work/LOG.log; the pid is in $!
start() { local log=$work/$1.log; shift; "$@" >"$log" 2>&1 & pids+=($!); }

# wait_for SECONDS WHAT COMMAND...: until the command succeeds; fails the test with WHAT otherwise.
wait_for() {
  local limit=$1 what=$2 end; shift 2
  end=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "not within $limit s: $what"
    sleep 0.05
  done
}
