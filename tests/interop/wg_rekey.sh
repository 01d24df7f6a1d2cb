#!/usr/bin/env bash
# wg_rekey.sh LEFT RIGHT: traffic goes on through the renewal of the session (REKEY_AFTER_TIME, 120 s after LEFT started it)
# and nothing is lost. Takes a little more than two minutes.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
left=$1 right=$2
need_root
need_command wg wireguard-tools
need_command wireguard-go

ns_add l
ns_add r
veth l r 192.0.2.1/24 192.0.2.2/24 2>/dev/null
make_keys l r
write_config l 4001 <<END
[Peer]
PublicKey = $(cat "$work/r.pub")
Endpoint = 192.0.2.2:4002
AllowedIPs = 10.9.0.2/32
END
write_config r 4002 <<END
[Peer]
PublicKey = $(cat "$work/l.pub")
AllowedIPs = 10.9.0.1/32
END
wg_up "$left" l
wg_up "$right" r
add_address l 10.9.0.1/24
add_address r 10.9.0.2/24

# 130 s of pings, 20 a second
in_ns l ping -q -n -c 2600 -i 0.05 10.9.0.2 >"$work/ping.log" || fail "ping: $(tail -n 3 "$work/ping.log")"
grep -q " 0% packet loss" "$work/ping.log" || fail "packets were lost: $(grep loss "$work/ping.log")"
for node in l r; do
  [ "${wg_kind[$node]}" = starling ] || continue
  handshakes=$(grep -c "handshake complete" "$work/$node.log")
  [ "$handshakes" -ge 2 ] || fail "$node saw $handshakes handshakes in 130 s"
  grep "dropped" "$work/$node.log" && fail "drops at $node"
done
note "$(grep loss "$work/ping.log")"
