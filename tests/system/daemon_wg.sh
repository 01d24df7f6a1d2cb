#!/usr/bin/env bash
# starlingd under wg(8): its interface shows, each prefix under every neighbour that may carry it; endpoint, preshared key and
# keepalive of a peer can be set; what routing or the configuration owns is refused, and nothing of such a request is done.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command jq
need_command wg wireguard-tools

for name in a b c; do ns_add "$name"; done
veth a b 192.0.2.1/24 192.0.2.2/24 2>/dev/null
veth a c 192.0.3.1/24 192.0.3.2/24 2>/dev/null
if_a=wa$$
socket=/var/run/wireguard/$if_a.sock
node a '{"interface": "'$if_a'", "addresses": ["10.1.0.1/32"], "peers": [
  {"pub": "b", "endpoint": "192.0.2.2:7000", "preshared_key": "'"$(key psk)"'"}, {"pub": "c", "endpoint": "192.0.3.2:7000"}]}'
node b '{"interface": "wb'$$'", "addresses": ["10.1.0.2/32"], "announce": ["10.99.0.0/16"], "peers": [{"pub": "a", "preshared_key": "'"$(key psk)"'"}]}'
node c '{"interface": "wc'$$'", "addresses": ["10.1.0.3/32"], "announce": ["10.99.0.0/16"], "peers": [{"pub": "a"}]}'
for name in b c a; do run "$name"; done
show() { in_ns a wg show "$if_a" "$@"; }
value() { show "$1" | awk -F'\t' -v key="$(pub "$2")" '$1 == key {print $2}'; } # WHAT PEER

note "everything shows, and an anycast prefix under both neighbours"
carries() { value allowed-ips "$1" | found -F "$2"; }
wait_for 10 "10.99.0.0/16 is b's" carries b 10.99.0.0/16
wait_for 10 "10.99.0.0/16 is c's too" carries c 10.99.0.0/16
carries b 10.1.0.2/32 && ! carries c 10.1.0.2/32 || fail "b's own address: $(show allowed-ips)"
[ "$(show private-key)" = "$(key a)" ] && [ "$(show public-key)" = "$(pub a)" ] || fail "keys"
[ "$(show listen-port)" = 7000 ] || fail "port $(show listen-port)"
[ "$(show fwmark)" = 0x1069 ] || fail "mark $(show fwmark)"
[ "$(value endpoints b)" = 192.0.2.2:7000 ] || fail "endpoint $(value endpoints b)"
[ "$(value preshared-keys b)" = "$(key psk)" ] && [ "$(value preshared-keys c)" = "(none)" ] || fail "preshared keys"
[ "$(value latest-handshakes b)" -gt 1600000000 ] || fail "handshake $(value latest-handshakes b)"
[ "$(show transfer | awk -v key="$(pub c)" '$1 == key && $2 > 300 && $3 > 300' | wc -l)" = 1 ] || fail "transfer $(show transfer)"
[ "$(stat -c %A "$socket")" = srwx------ ] || fail "mode $(stat -c %A "$socket")"
in_ns a wg showconf "$if_a" | found '^\[Peer\]' || fail "showconf"

note "endpoint, keepalive and preshared key can be set"
set_() { in_ns a wg set "$if_a" "$@" 2>"$work/set.error"; }
set_ peer "$(pub c)" persistent-keepalive 25 || fail "$(cat "$work/set.error")"
[ "$(value persistent-keepalive c)" = 25 ] || fail "keepalive $(value persistent-keepalive c)"
set_ peer "$(pub b)" endpoint 192.0.2.2:7001 || fail "$(cat "$work/set.error")"
wait_for 5 "the event" has_event a wg.change '.neighbor == "b" and .endpoint == "192.0.2.2:7001"'
set_ peer "$(pub b)" endpoint 192.0.2.2:7000 || fail "$(cat "$work/set.error")"
[ "$(value endpoints b)" = 192.0.2.2:7000 ] || fail "endpoint $(value endpoints b)"
key other >/dev/null
set_ peer "$(pub b)" preshared-key "$work/other.key" || fail "$(cat "$work/set.error")"
[ "$(value preshared-keys b)" = "$(key other)" ] || fail "preshared key $(value preshared-keys b)"
set_ peer "$(pub b)" preshared-key "$work/psk.key" || fail "$(cat "$work/set.error")"
grep -qF "$(key other)" "$work/a.log" && fail "the preshared key is in the log"

note "all else is refused"
before=$(in_ns a wg showconf "$if_a")
refused() { # REASON ARGUMENTS... of wg set
  local reason=$1; shift
  set_ "$@" && fail "wg set $* was taken"
  grep -q "Operation not permitted" "$work/set.error" || fail "wg set $*: $(cat "$work/set.error")"
  wait_for 5 "the refusal of wg set $* is told" has_event a wg.refused ".reason | contains(\"$reason\")"
}
refused "private key" private-key "$work/other.key"
refused "port" listen-port 7007
refused "mark" fwmark 7
refused "peers are the configuration's" peer "$(pub other)" endpoint 192.0.2.9:1
refused "peers are the configuration's" peer "$(pub b)" remove
refused "allowed IPs follow" peer "$(pub b)" allowed-ips 10.0.0.0/8
refused "allowed IPs follow" peer "$(pub c)" persistent-keepalive 7 peer "$(pub b)" allowed-ips 10.0.0.0/8
printf '[Interface]\nPrivateKey = %s\n' "$(key a)" >"$work/empty.conf"
for word in setconf syncconf; do
  in_ns a wg "$word" "$if_a" "$work/empty.conf" 2>/dev/null && fail "wg $word was taken"
done
[ "$(in_ns a wg showconf "$if_a")" = "$before" ] || fail "something of what was refused is in effect"

note "drops can be asked for by the same way"
in_ns a python3 -c "
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x' * 50, ('127.0.0.1', 7000))"
counted() { "$BIN/starling-wg" --drops --json "$if_a" | jq -e '.[] | select(.public_key == null) | .drops.malformed >= 1'; }
wait_for 5 "starling-wg --drops shows the stranger's datagram" counted
in_ns a "$BIN/starling-wg" --drops "$if_a" | found malformed || fail "no table"

note "without its socket file the daemon goes on"
rm "$socket"
wait_for 5 "it says so" has_event a wg.unavailable '.reason | contains("was removed")'
pings a 10.1.0.2 || fail "a is no longer in the mesh"
stop a || fail "a ended with status $?"

note "and where none can be made it starts all the same"
mkdir "$work/wg"
start a ip netns exec "$(ns a)" "$BIN/starlingd" -c "$work/a.json" --control "$work/a.sock" --wireguard-sockets "/proc/nowhere"
pid[a]=$!
wait_for 20 "a is ready" has_event a daemon.ready
has_event a wg.unavailable '.reason | contains("/proc/nowhere")' || fail "it does not say that wg cannot show it"
wait_for 10 "a is in the mesh" pings a 10.1.0.2
stop a || fail "a ended with status $?"
start a ip netns exec "$(ns a)" "$BIN/starlingd" -c "$work/a.json" --control "$work/a.sock" --wireguard-sockets "$work/wg"
pid[a]=$!
wait_for 20 "the socket is where it was wanted" test -S "$work/wg/$if_a.sock"
stop a || fail "a ended with status $?"
[ ! -e "$work/wg/$if_a.sock" ] || fail "a left its socket"
note "ok"
