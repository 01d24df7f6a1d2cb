#!/usr/bin/env bash
# What starling-wg does not carry it names, with what a person can do, and tells the sender where there is no peer: wrong keys, wrong preshared key, AllowedIPs that do not
# fit, a missing endpoint, strangers' datagrams, and its own packets led back into the tunnel.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command wireguard-go
need_command python3

ns_add l
ns_add r
veth l r 192.0.2.1/24 192.0.2.2/24 2>/dev/null
make_keys l r stranger

# configure NODE OWN_PORT PEER_KEY_FILE ENDPOINT ALLOWED_IPS [LINE...]
configure() {
  local node=$1 port=$2 key=$3 endpoint=$4 allowed=$5; shift 5
  { echo "[Peer]"; echo "PublicKey = $(cat "$work/$key.pub")"; echo "AllowedIPs = $allowed"
    [ -n "$endpoint" ] && echo "Endpoint = $endpoint"
    printf '%s\n' "$@"; } | write_config "$node" "$port"
}
start_both() { # LEFT RIGHT
  wg_up "$1" l
  wg_up "$2" r
  add_address l 10.9.0.1/24
  add_address r 10.9.0.2/24
}
stop_both() { wg_down l; wg_down r; }
# unanswered FROM ADDRESS: packets go there, and no answer is waited for
unanswered() { in_ns "$1" ping -n -c 3 -i 0.01 -W 0.1 "$2" >/dev/null 2>&1 && fail "$2 answered $1"; return 0; }
logs() { wait_for 5 "$1 logs $2" grep -q "dropped .*$2" "$work/$1.log"; note "$1: $(grep -m1 "dropped .*$2" "$work/$1.log")"; }

note "another public key of the responder than it has"
configure l 4001 stranger 192.0.2.2:4002 10.9.0.2/32
configure r 4002 l "" 10.9.0.1/32
start_both go starling
unanswered l 10.9.0.2
logs r bad_mac1
stop_both

note "an initiator that nobody knows"
configure l 4001 r 192.0.2.2:4002 10.9.0.2/32
configure r 4002 stranger "" 10.9.0.1/32
start_both go starling
unanswered l 10.9.0.2
logs r unknown_peer
stop_both

note "a preshared key at one end only: the initiator is the one who can see it"
configure l 4001 r 192.0.2.2:4002 10.9.0.2/32 "PresharedKey = $(cat "$work/psk")"
configure r 4002 l "" 10.9.0.1/32
start_both starling go
unanswered l 10.9.0.2
logs l bad_handshake
stop_both

note "sources that are in nobody's AllowedIPs, and in another peer's"
configure l 4001 r 192.0.2.2:4002 10.9.0.0/24
configure r 4002 l "" 10.9.0.1/32
{ cat "$work/r.conf"; echo "[Peer]"; echo "PublicKey = $(cat "$work/stranger.pub")"; echo "AllowedIPs = 10.9.0.66/32"; } >"$work/two"
mv "$work/two" "$work/r.conf"
start_both go starling
pings l 1 10.9.0.2
add_address l 10.9.0.66/32 10.9.0.77/32
in_ns l ping -c 1 -W 0.1 -I 10.9.0.66 10.9.0.2 >/dev/null 2>&1
logs r "ingress_source_not_allowed: source 10.9.0.66"
in_ns l ping -c 1 -W 0.1 -I 10.9.0.77 10.9.0.2 >/dev/null 2>&1
logs r "ingress_source_unknown: source 10.9.0.77"

note "destinations without a peer, and a peer without an endpoint"
unanswered r 10.9.0.99
logs r "egress_no_route: 10.9.0.99"
# Whoever sent it is told at once, in both families.
is_told() { found "$2" <<<"$(in_ns r ping -n -c 1 -W 2 "$1")" || fail "ping of $1 is not told"; }
is_told 10.9.0.99 "^From 10\.9\.0\.99 .*Destination Host Unreachable"
add_address r fd09::1/64
is_told fd09::99 "^From fd09::99 .*Destination unreachable: Address unreachable"
unanswered r 10.9.0.66
logs r no_endpoint

note "strangers' datagrams"
in_ns l python3 - <<'END'
import socket
stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for datagram in (b"", b"x", bytes([4, 0, 0, 0]) + bytes(60), bytes([1, 0, 0, 0]) + bytes(144), bytes([4, 1, 0, 0]) + bytes(60),
                 bytes([9]) * 1500, bytes([2, 0, 0, 0]) + bytes(88), bytes([3, 0, 0, 0]) + bytes(60)):
    stranger.sendto(datagram, ("192.0.2.2", 4002))
END
logs r malformed
logs r unknown_receiver

note "and those that come through the tunnel, which must not move the peer's endpoint into it"
in_ns l python3 -c '
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes([1, 0, 0, 0]) + bytes(144), ("10.9.0.2", 4002))'
logs r "underlay_loop: the tunnel's own packets from 10.9.0.1:[0-9]* come out of the tunnel"
pings l 1 10.9.0.2 # none of which did any harm
stop_both

note "a route that leads the tunnel's own packets into it"
configure l 4001 r 192.0.2.2:4002 10.9.0.2/32,192.0.2.2/32
configure r 4002 l "" 10.9.0.1/32
start_both starling starling
pings l 1 10.9.0.2
ip -n "$(ns l)" route add 192.0.2.2/32 dev "$(wg_interface l)"
unanswered l 10.9.0.2
logs l underlay_loop

note "which a firewall mark prevents"
wg_down l
sed -i '/^ListenPort/a FwMark = 0x51' "$work/l.conf"
wg_up starling l
add_address l 10.9.0.1/24
ip -n "$(ns l)" route add 192.0.2.2/32 dev "$(wg_interface l)"
ip -n "$(ns l)" route add 192.0.2.2/32 dev to-r table 51
ip -n "$(ns l)" rule add fwmark 0x51 table 51
pings l 3 10.9.0.2
grep "underlay_loop" "$work/l.log" && fail "looped in spite of the mark"

note "an underlay that refuses"
ip -n "$(ns l)" rule del fwmark 0x51 table 51
ip -n "$(ns l)" route del 192.0.2.2/32 dev "$(wg_interface l)"
ip -n "$(ns l)" link set to-r down
unanswered l 10.9.0.2
logs l send_failed
note "ok"
