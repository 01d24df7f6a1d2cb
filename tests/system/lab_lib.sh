# Shared by the lab's tests. Source after tests/lib.sh.

# What a lab of this name has on the machine, one thing a line; nothing when it left nothing.
remains_of() {
  local name=$1 pid
  ip netns list | grep -o "^st-$name\.[^ ]*"
  [ -e "/run/starling-lab/$name" ] && echo "/run/starling-lab/$name"
  [ -e "/run/starling-lab/$name.lock" ] && echo "/run/starling-lab/$name.lock"
  for pid in /proc/[0-9]*; do
    tr '\0' ' ' 2>/dev/null <"$pid/cmdline" | found "^[^ ]*starlingd .*/run/starling-lab/$name/" && echo "process ${pid#/proc/}"
  done
  return 0
}
has_daemons() { [[ $(remains_of "$1") == *process* ]]; }
has_namespaces() { [[ $(remains_of "$1") == *"st-$1."* ]]; }
nothing_remains_of() { [ -z "$(remains_of "$1")" ]; }

# small_topology NAME [EXTRA]: writes $work/NAME.json, three nodes in a row, and prints its path. EXTRA: further members.
small_topology() {
  cat >"$work/$1.json" <<END
{"nodes": {"a": {}, "b": {}, "c": {}}, "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "c"], "underlay": "ipv6"}],
 "probes": [{"from": "a", "to": "c", "interval_ms": 5}] ${2:+, $2}}
END
  echo "$work/$1.json"
}
