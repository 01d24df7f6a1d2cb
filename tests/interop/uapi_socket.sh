#!/usr/bin/env bash
# The configuration socket without wg(8): what single requests are answered, compared with wireguard-go; allowed IPs taken
# away one by one, which Debian's wg does not know yet; and what nobody should send, while the tunnel goes on.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command wireguard-go
need_command python3
raw() { python3 "$SOURCE_DIR/tests/interop/uapi_raw.py" "$@"; }
socket_of() { echo "/var/run/wireguard/$(wg_interface "$1").sock"; }

ns_add l
ns_add r
veth l r 192.0.2.1/24 192.0.2.2/24 2>/dev/null
make_keys l r
write_config l 4001 <<END
[Peer]
PublicKey = $(cat "$work/r.pub")
AllowedIPs = 10.9.0.2/32
Endpoint = 192.0.2.2:4002
END
write_config r 4002 <<END
[Peer]
PublicKey = $(cat "$work/l.pub")
AllowedIPs = 10.9.0.1/32
END
wg_up starling l
wg_up starling r
add_address l 10.9.0.1/24
add_address r 10.9.0.2/24

note "single requests have the answers that wireguard-go gives"
ns_add n
for kind in go starling; do
  program=$BIN/starling-wg
  [ $kind = go ] && program=wireguard-go
  start "$kind" ip netns exec "$(ns n)" "$program" -f "$(wg_interface "$kind")"
  wait_for 5 "$kind serves" engine_answers "$kind" n "$(wg_interface "$kind")"
  raw answers "$(socket_of "$kind")" >"$work/$kind.said" || fail "$kind: $(tail -n 5 "$work/$kind.said")"
done
diff "$work/go.said" "$work/starling.said" || fail "they differ"
[ "$(wc -l <"$work/go.said")" -gt 80 ] || fail "cut short"

note "allowed IPs one by one, and several operations on one connection"
raw incremental "$(socket_of starling)" || fail "see above"

note "garbage, lines and requests without end, half requests, a thousand connections, one that does not listen"
pings l 1 10.9.0.2
start going ip netns exec "$(ns l)" ping -q -n -i 0.02 10.9.0.2
going=$!
memory() { awk '/VmRSS/ {print $2}' "/proc/${wg_pid[l]}/status"; }
before=$(memory)
raw hostile "$(socket_of l)" || fail "see above"
after=$(memory)
kill -INT "$going"
wait "$going"
read -r sent received <<<"$(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$work/going.log")"
# The newest may still have been on its way when ping was ended.
[ "$sent" -gt 20 ] && [ "$received" -ge $((sent - 1)) ] || fail "the tunnel did not go on: $(tail -n 3 "$work/going.log")"
note "$(grep received "$work/going.log"); resident memory $before → $after KiB"
[ $((after - before)) -lt 40000 ] || fail "memory grew from $before to $after KiB"
wait_for 5 "the connections are closed" eval '[ "$(ls /proc/${wg_pid[l]}/fd | wc -l)" -lt 30 ]'
note "ok"
