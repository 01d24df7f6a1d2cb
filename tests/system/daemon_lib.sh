# Shared by the tests of starlingd: keys, configurations, and looking at the kernel. Source after tests/lib.sh.

# Keys of a node, made once: key NAME, pub NAME.
key() { [ -s "$work/$1.key" ] || (umask 077; wg genkey >"$work/$1.key"); cat "$work/$1.key"; }
pub() { key "$1" | wg pubkey; }

# node NAME JSON: writes $work/NAME.json. JSON holds what differs from the defaults here; its `peers` name their key with "pub": NODE.
node() {
  local name=$1 more=${2:-}
  [ -n "$more" ] || more='{}'
  jq -n --arg name "$name" --arg key "$(key "$name")" --argjson more "$more" \
    '{interface: "mesh", private_key: $key, listen_port: 7000, name: $name, log: {format: "json"}} + $more' >"$work/$name.json" ||
    fail "configuration of $name"
  local other
  for other in $(jq -r '.peers[]?.pub // empty' "$work/$name.json"); do
    jq --arg pub "$other" --arg key "$(pub "$other")" \
      '.peers |= map(if .pub == $pub then del(.pub) + {public_key: $key} else . end)' "$work/$name.json" >"$work/new" &&
      mv "$work/new" "$work/$name.json"
  done
}
# run NAME: starts it in its namespace; its pid is then in ${pid[NAME]}.
declare -A pid
run() {
  start "$1" ip netns exec "$(ns "$1")" "$BIN/starlingd" -c "$work/$1.json" --control "$work/$1.sock"
  pid[$1]=$!
  wait_for 20 "$1 is ready" has_event "$1" daemon.ready
}
# stop NAME [SIGNAL]
# The status is the daemon's.
stop() {
  kill "-${2:-TERM}" "${pid[$1]}" || fail "$1 had ended already"
  wait "${pid[$1]}" 2>/dev/null
}
# has_event NAME EVENT [JQ CONDITION]
has_event() { jq -e -s --arg event "$2" "any(.[]; .event == \$event and (${3:-true}))" "$work/$1.log" >/dev/null 2>&1; }
count_events() { jq -s --arg event "$2" "[.[] | select(.event == \$event and (${3:-true}))] | length" "$work/$1.log"; }
# shows PATTERN COMMAND...: the command prints a line that matches. (Not through a pipe: whoever prints more than is read would fail.)
shows() { local pattern=$1; shift; grep -qE -- "$pattern" <<<"$("$@")"; }
# The kernel's routes of ours in every table: routes NAME [4|6]
routes() { in_ns "$1" ip "-${2:-4}" -N route show table all proto 201; }
has_route() { shows "^$2 " routes "$1" "${3:-4}"; }
has_no_route() { ! has_route "$@"; }
pings() { in_ns "$1" ping -q -c 1 -W 1 "$2" >/dev/null; }
forwarding() { in_ns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; }
