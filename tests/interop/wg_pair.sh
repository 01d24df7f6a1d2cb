#!/usr/bin/env bash
# wg_pair.sh LEFT RIGHT UNDERLAY PSK: two WireGuard implementations (starling, go) talk over an underlay of v4 or v6, with
# or without a preshared key (psk, nopsk). LEFT starts the handshake, for RIGHT does not know where LEFT is; then RIGHT is
# restarted and starts one itself, while LEFT still has its session.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
left=$1 right=$2 underlay=$3 psk=$4
need_root
need_command wg wireguard-tools
need_command python3
need_command ping iputils-ping
if [ "$left" = go ] || [ "$right" = go ]; then need_command wireguard-go; fi

ns_add l
ns_add r
veth l r 192.0.2.1/24 192.0.2.2/24 2001:db8::1/64 2001:db8::2/64 2>/dev/null
case $underlay in
  v4) left_endpoint=192.0.2.1:4001 right_endpoint=192.0.2.2:4002 ;;
  v6) left_endpoint='[2001:db8::1]:4001' right_endpoint='[2001:db8::2]:4002' ;;
  *) fail "underlay $underlay" ;;
esac
make_keys l r
psk_line=""
[ "$psk" = psk ] && psk_line="PresharedKey = $(cat "$work/psk")"

write_config l 4001 <<END
[Peer]
PublicKey = $(cat "$work/r.pub")
Endpoint = $right_endpoint
AllowedIPs = 10.9.0.2/32, fd09::2/128
$psk_line
END
write_config r 4002 <<END
[Peer]
PublicKey = $(cat "$work/l.pub")
AllowedIPs = 10.9.0.1/32, fd09::1/128
$psk_line
END
wg_up "$left" l
wg_up "$right" r
add_address l 10.9.0.1/24 fd09::1/64
add_address r 10.9.0.2/24 fd09::2/64

note "LEFT starts; 10 pings and their handshake move exactly so many bytes"
pings l 10 10.9.0.2
# 10 × (84 padded to 96, + 32) = 1280 each way; initiation 148, response 92. An implementation may send one keepalive (32)
# when the handshake is complete, before the first ping.
read -r rx tx <<<"$(transfer l)"
[ "$rx" = 1372 ] || fail "LEFT received $rx bytes, not 1372"
[ "$tx" = 1428 ] || { [ "$left" = go ] && [ "$tx" = 1460 ]; } || fail "LEFT sent $tx bytes, not 1428"
read -r rrx rtx <<<"$(transfer r)"
[ "$rrx" = "$tx" ] && [ "$rtx" = "$rx" ] || fail "RIGHT counts $rrx and $rtx, LEFT $rx and $tx"

note "both families, all sizes, both directions"
for size in 0 1 7 8 15 16 17 1391 1392; do pings l 2 10.9.0.2 "$size"; done
for size in 0 8 1371 1372; do pings r 2 fd09::1 "$size"; done
pings l 1 10.9.0.2 4000 # in inner fragments
stream l r 10.9.0.2 4000000
stream r l fd09::1 4000000

note "RIGHT starts anew, with LEFT's session still there"
wg_down r
sed -i "/^\[Peer\]/a Endpoint = $left_endpoint" "$work/r.conf"
wg_up "$right" r
add_address r 10.9.0.2/24 fd09::2/64
pings r 10 10.9.0.1
pings l 10 fd09::2
stream r l 10.9.0.1 1000000

# Nothing that an unbroken exchange should not drop; what was sealed for RIGHT's former self is all there may be.
for node in l r; do
  [ "${wg_kind[$node]}" = starling ] || continue
  unexpected=$(grep "dropped" "$work/$node.log" | grep -v unknown_receiver)
  [ -z "$unexpected" ] || fail "drops at $node: $unexpected"
done
note "ok"
