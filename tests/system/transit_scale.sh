#!/bin/bash
# Transit beside a full table: 100,000 routes of others inside the mesh's prefix and 100,000 beside it. Prints what a change costs, and no neighbour is lost
# over it.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/transit_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command python3

transit_line
node c '{"addresses": ["10.1.0.3/32", "fd01::3/128"], "announce": ["10.0.0.0/8"], "peers": [{"pub": "b", "endpoint": "198.51.100.1:7000"}]}'
in_ns c ip route add local 10.200.0.0/16 dev lo
for n in b a c; do run $n; done
wait_for 20 "a reaches c" answered_by 63 10.1.0.3

# routes_at FIRST OCTET...: 100,000 of them for `ip -batch`, /26 each.
routes_at() {
  python3 -c '
import sys
for i in range(100000):
    a = (int(sys.argv[2]) << 24) + i * 64
    print(f"route {sys.argv[1]} {a >> 24}.{a >> 16 & 255}.{a >> 8 & 255}.{a & 255}/26 dev to-c")' "$1" "$2"
}
cpu_ms() { awk '{ print ($14 + $15) * 10 }' "/proc/${pid[b]}/stat"; }
memory_kb() { awk '/^Pss_Anon:/ { print $2 }' "/proc/${pid[b]}/smaps_rollup"; }
flaps=$(count_events b neighbor.state '.from == "Full"')
watches() { transit_is ".kernel_routes >= $1 and all(.families[]; .fast_path)"; }

# load WHAT OCTET ROUTES
load() {
  local cpu memory start; cpu=$(cpu_ms); memory=$(memory_kb); start=$(date +%s%3N)
  routes_at add "$2" >"$work/batch"
  in_ns b ip -batch "$work/batch" || fail "routes cannot be added"
  wait_for 30 "all routes are watched" watches "$3"
  echo "100,000 routes $1: $(($(date +%s%3N) - start)) ms with adding them, $(($(cpu_ms) - cpu)) ms of the daemon's CPU, $(($(memory_kb) - memory)) KiB"
}
# change WHAT PREFIX: 500 times, each but the last undone
change() {
  local cpu i; cpu=$(cpu_ms)
  for ((i = 0; i < 500; i++)); do
    in_ns b ip route add unreachable "$2"
    [ $i = 499 ] || in_ns b ip route del unreachable "$2"
  done
  echo "999 changes $1: $(($(cpu_ms) - cpu)) ms of the daemon's CPU"
}
load "beside the mesh" 11 100000
change "beside the mesh" 12.0.0.0/26
load "inside a prefix of the mesh" 10 200000
answered_by 63 10.200.0.1 || fail "not c's to begin with"
change "inside a prefix of the mesh" 10.200.1.0/26
start=$(date +%s%3N)
in_ns b ip route add unreachable 10.200.0.0/26
wait_for 2 "the change counts" shows 'Unreachable|100% packet loss' in_ns a ping -n -c 1 -W 0.2 10.200.0.1
echo "one change inside a prefix of the mesh counts after at most $(($(date +%s%3N) - start)) ms"
[ "$(count_events b neighbor.state '.from == "Full"')" = "$flaps" ] || fail "a neighbour went down"
note "restarted with all that"
stop b || fail "b ended with status $?"
rm -f "$work/b.log"
start=$(date +%s%3N)
run b
echo "ready after $(($(date +%s%3N) - start)) ms, $(cpu_ms) ms of CPU"
transit_is '.kernel_routes > 200000 and all(.families[]; .fast_path)' || fail "show transit: $(show_transit)"
exit 0
