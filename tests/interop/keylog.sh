#!/bin/bash
# keylog.sh PEER PSK: what goes between starling-wg and PEER (starling or go), with or without a preshared key (psk, nopsk), is
# recorded on the wire, and tshark decrypts it with the key log: of either end, as initiator and as responder, before and
# after the private key changed and one end restarted. `keylog.sh starlingd`: the same of the daemon, with the routing
# protocol inside.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command tshark
need_command tcpdump

ns_add l
ns_add r
veth l r 192.0.2.1/24 192.0.2.2/24 2>/dev/null

# record: of all that passes between the two, from before the first handshake
record() {
  start record ip netns exec "$(ns l)" tcpdump -i to-r --immediate-mode -U -w "$work/outer.pcap" udp
  recorder=$!
  wait_for 5 "tcpdump listens" grep -q "listening on" "$work/record.log"
}
# decrypt KEYS OPTIONS...: what tshark reads with this key log. Told the port: port 7000 it knows as another protocol's, whose
# packets some of ours look like, and of a handshake that it takes for that it decrypts nothing.
port=4001
decrypt() {
  local keys=$1; shift
  tshark -X "lua_script:$SOURCE_DIR/routing/starling.lua" -o "wg.keylog_file:$keys" -d "udp.port==$port,wg" -r "$work/outer.pcap" "$@" 2>"$work/tshark.log" ||
    fail "tshark: $(cat "$work/tshark.log")"
}
count() { decrypt "$1" -Y "$2" | wc -l; }
is_private() {
  [ "$(stat -c %a "$1")" = 600 ] || fail "others may read the key log: $(stat -c %A "$1")"
  [ "$(grep -cvE '^(LOCAL_STATIC_PRIVATE_KEY|REMOTE_STATIC_PUBLIC_KEY|LOCAL_EPHEMERAL_PRIVATE_KEY|PRESHARED_KEY) = [A-Za-z0-9+/]{43}=$' "$1")" = 0 ] ||
    fail "the key log has other lines"
}

if [ "$1" = starlingd ]; then
  . "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
  need_command jq
  port=7000
  node l '{"addresses": ["10.1.0.1/32"], "peers": [{"pub": "r", "endpoint": "192.0.2.2:7000"}]}'
  node r '{"addresses": ["10.1.0.2/32"], "peers": [{"pub": "l", "endpoint": "192.0.2.1:7000"}]}'
  record
  start l ip netns exec "$(ns l)" "$BIN/starlingd" -c "$work/l.json" --control "$work/l.sock" --keylog "$work/keys"
  pid[l]=$!
  run r
  wait_for 20 "l reaches r" pings l 10.1.0.2
  hellos() { "$BIN/starling" --control "$work/l.sock" show neighbors --json | jq -e '.[0].hellos_sent >= 10'; }
  wait_for 5 "l says Hello" hellos
  grep -q "^starlingd: WARNING: whoever has that file can read all" "$work/l.log" || fail "no warning on standard error"
  grep -q '"interface.warning","level":"warning".*keys of every handshake are written to' "$work/l.log" || fail "no warning in the log"
  stop l || fail "l ended with status $?"
  stop r || fail "r ended with status $?"
  kill "$recorder"; wait "$recorder"
  is_private "$work/keys"
  [ "$(count "$work/keys" 'icmp.type == 0')" -ge 1 ] || fail "no ping is decrypted"
  for condition in 'starling.hello.state == 3' 'starling.hello.flags.goodbye == 1' 'starling.prefix == "10.1.0.2/32"' 'starling.lsa.withdrawal'; do
    [ "$(count "$work/keys" "$condition")" -ge 1 ] || fail "not seen: $condition"
  done
  # The dissector finds its envelope's fields among those of the outer packet.
  [ "$(count "$work/keys" starling.reject.control_invalid)" = 0 ] || fail "control packets are taken for others"
  exit 0
fi

. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
peer=$1 psk=$2
need_command ping iputils-ping
[ "$peer" = go ] && need_command wireguard-go
make_keys l r new
psk_line=""
[ "$psk" = psk ] && psk_line="PresharedKey = $(cat "$work/psk")"
write_config l 4001 <<END
[Peer]
PublicKey = $(cat "$work/r.pub")
Endpoint = 192.0.2.2:4002
AllowedIPs = 10.9.0.2/32
$psk_line
END
write_config r 4002 <<END
[Peer]
PublicKey = $(cat "$work/l.pub")
Endpoint = 192.0.2.1:4001
AllowedIPs = 10.9.0.1/32
$psk_line
END

# up_with_keylog NODE: starling-wg that writes $work/NODE.keys
up_with_keylog() {
  : >"$work/$1.log"
  start "$1" ip netns exec "$(ns "$1")" "$BIN/starling-wg" -f --config "$work/$1.conf" --keylog "$work/$1.keys" "$(wg_interface "$1")"
  wg_pid[$1]=$! wg_kind[$1]=starling
  wait_for 5 "starling-wg of $1 is ready" grep -q "ready" "$work/$1.log"
  grep -q "WARNING: whoever has that file can read all" "$work/$1.log" || fail "no warning of the key log"
  add_address "$1" "$2"
}
up_peer() {
  if [ "$peer" = starling ]; then up_with_keylog r 10.9.0.2/24; else wg_up "$peer" r; add_address r 10.9.0.2/24; fi
}

record
up_with_keylog l 10.9.0.1/24
up_peer
note "l begins"
pings l 3 10.9.0.2
note "r begins, in a new life"
wg_down r
up_peer
pings r 4 10.9.0.1
note "l gets another private key"
in_ns r wg set "$(wg_interface r)" peer "$(cat "$work/new.pub")" allowed-ips 10.9.0.1/32 endpoint 192.0.2.1:4001 \
  $([ "$psk" = psk ] && echo preshared-key "$work/psk") || fail "wg set of r"
in_ns l wg set "$(wg_interface l)" private-key "$work/new.key" || fail "wg set of l"
pings l 5 10.9.0.2
wg_down l
wg_down r
kill "$recorder"; wait "$recorder"

: >"$work/nothing.keys"
[ "$(count "$work/nothing.keys" 'wg.type == 4')" -ge 24 ] || fail "not recorded: $(tshark -r "$work/outer.pcap" 2>/dev/null)"
[ "$(count "$work/nothing.keys" icmp)" = 0 ] || fail "readable without keys"
ends=(l)
[ "$peer" = starling ] && ends=(l r)
for end in "${ends[@]}"; do
  is_private "$work/$end.keys"
  requests=$(decrypt "$work/$end.keys" -Y 'icmp.type == 8' -T fields -E occurrence=l -e ip.src | uniq -c | awk '{print $1, $2}' | paste -sd, -)
  [ "$requests" = "3 10.9.0.1,4 10.9.0.2,5 10.9.0.1" ] || fail "with the keys of $end: requests $requests"
  [ "$(count "$work/$end.keys" 'icmp.type == 0')" = 12 ] || fail "with the keys of $end: $(count "$work/$end.keys" 'icmp.type == 0') answers"
done
[ "$(grep -c '^LOCAL_STATIC' "$work/l.keys")" -ge 3 ] || fail "fewer than three handshakes in the key log"
[ "$(grep '^LOCAL_STATIC' "$work/l.keys" | sort -u | wc -l)" = 2 ] || fail "not both of l's private keys"
case $psk in
  psk) [ "$(grep '^PRESHARED' "$work/l.keys" | sort -u)" = "PRESHARED_KEY = $(cat "$work/psk")" ] || fail "another preshared key" ;;
  nopsk) [ "$(grep '^PRESHARED' "$work/l.keys" | sort -u)" = "PRESHARED_KEY = $(printf 'A%.0s' {1..43})=" ] || fail "a preshared key from nowhere" ;;
esac
exit 0
