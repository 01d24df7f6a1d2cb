#!/usr/bin/env bash
# wg(8) on starling-wg and on wireguard-go: the same commands, and every word, errno and exit status that comes back is the
# same. wireguard-go keeps its peers in a hash table, so the order of peers is left out of the comparison.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command wireguard-go
need_command perl perl-base

make_keys own a b c d
key() { cat "$work/$1.pub"; }
cat >"$work/first.conf" <<END
[Interface]
PrivateKey = $(cat "$work/own.key")
ListenPort = 5001
FwMark = 0x77
[Peer]
PublicKey = $(key a)
PresharedKey = $(cat "$work/psk")
AllowedIPs = 10.1.0.0/16, 10.1.0.0/24, fd01::/16
Endpoint = [2001:db8::1]:820
[Peer]
PublicKey = $(key b)
PersistentKeepalive = 25
AllowedIPs = 0.0.0.0/0, ::/0
[Peer]
PublicKey = $(key own)
AllowedIPs = 10.77.0.0/16
END
cat >"$work/second.conf" <<END
[Interface]
PrivateKey = $(cat "$work/own.key")
[Peer]
PublicKey = $(key a)
AllowedIPs = 10.1.0.0/24
Endpoint = 192.0.2.9:7
[Peer]
PublicKey = $(key c)
AllowedIPs = 10.3.0.0/16
END
cat >"$work/more.conf" <<END
[Peer]
PublicKey = $(key d)
AllowedIPs = 10.1.0.0/24, 10.4.0.0/16
[Peer]
PublicKey = $(key a)
AllowedIPs = 10.5.0.0/16
END
echo "$(printf '\377%.0s' {1..32} | base64)" >"$work/unclamped.key"
zeros=$(printf '\0%.0s' {1..32} | base64)
echo "$zeros" >"$work/zeros"
: >"$work/empty"

# Paragraphs (peers) or lines in an order of their own; the interface's name and a port of the kernel's choice taken out.
normal() {
  sed -E "s/$1/IF/g;s/\b(3[2-9][0-9]{3}|[45][0-9]{4}|6[0-5][0-9]{3})\b/CHOSEN/g" |
    perl -0777 -ne 's/\n+$//; print join("\n", sort split($ENV{SHAPE} eq "lines" ? qr/\n/ : qr/\n\n+/, $_)), "\n"'
}

# say IF [lines] COMMAND...: the command, what it prints and its status
say() {
  local interface=$1 shape=paragraphs; shift
  [ "$1" = lines ] && { shape=lines; shift; }
  echo "== $*" | sed "s/$interface/IF/g;s|$work|WORK|g"
  in_ns n "$@" >"$work/said" 2>&1
  local status=$?
  SHAPE=$shape normal "$interface" <"$work/said"
  echo "-- $status"
}
show_all() {
  local form
  say "$1" wg show "$1"
  for form in public-key private-key listen-port fwmark; do say "$1" wg show "$1" "$form"; done
  for form in peers preshared-keys endpoints allowed-ips latest-handshakes transfer persistent-keepalive dump; do
    say "$1" lines wg show "$1" "$form"
  done
  say "$1" wg showconf "$1"
}

conversation() {
  local I=$1
  echo "# not configured"; show_all "$I"
  echo "# private keys: clamped when read back, and taken away by zeros"
  say "$I" wg set "$I" private-key "$work/unclamped.key"; say "$I" wg show "$I" private-key
  say "$I" wg set "$I" private-key "$work/zeros"; say "$I" wg show "$I"
  echo "# setconf"; say "$I" wg setconf "$I" "$work/first.conf"; show_all "$I"
  echo "# set, device"
  say "$I" wg set "$I" listen-port 5002 fwmark 0x99; say "$I" wg show "$I"
  say "$I" wg set "$I" fwmark off; say "$I" wg show "$I" fwmark
  echo "# set, peers"
  say "$I" wg set "$I" peer "$(key c)"; show_all "$I"
  say "$I" wg set "$I" peer "$(key c)" allowed-ips 10.1.0.0/16,10.9.8.7/8,10.9.8.7 endpoint 192.0.2.1:1
  show_all "$I"
  say "$I" wg set "$I" peer "$(key b)" persistent-keepalive 9999; say "$I" lines wg show "$I" persistent-keepalive
  say "$I" wg set "$I" peer "$(key c)" preshared-key "$work/psk" peer "$(key b)" persistent-keepalive off; show_all "$I"
  say "$I" wg set "$I" peer "$(key c)" preshared-key "$work/empty"; say "$I" lines wg show "$I" preshared-keys
  say "$I" wg set "$I" peer "$(key c)" allowed-ips ""; say "$I" lines wg show "$I" allowed-ips
  say "$I" wg set "$I" peer "$(key b)" remove peer "$(key d)" remove; say "$I" lines wg show "$I" peers
  say "$I" wg set "$I" peer "$(key own)" allowed-ips 10.1.0.0/24; show_all "$I"
  say "$I" wg set "$I" peer "$zeros" allowed-ips 10.55.0.0/16; say "$I" lines wg show "$I" allowed-ips
  say "$I" wg set "$I" peer "$zeros" remove
  echo "# addconf, syncconf, setconf again"
  say "$I" wg addconf "$I" "$work/more.conf"; show_all "$I"
  say "$I" wg syncconf "$I" "$work/second.conf"; say "$I" lines wg show "$I" allowed-ips; say "$I" lines wg show "$I" endpoints
  in_ns n wg showconf "$I" >"$work/shown"; say "$I" wg setconf "$I" "$work/shown"; say "$I" wg showconf "$I"
  say "$I" wg setconf "$I" "$work/more.conf"; say "$I" wg showconf "$I"
  echo "# what wg itself refuses, and an interface that is none"
  say "$I" wg set "$I" listen-port 70000; say "$I" wg set "$I" peer nonsense; say "$I" wg show "no$$"
  echo "# our own public key, once a peer"
  say "$I" wg set "$I" private-key "$work/zeros" peer "$(key own)" allowed-ips 10.66.0.0/16; say "$I" lines wg show "$I" allowed-ips
  say "$I" wg set "$I" private-key "$work/own.key"; say "$I" lines wg show "$I" allowed-ips
  echo "# the port is bound, and a taken one is an error"
  say "$I" wg set "$I" listen-port 5003
  wait_for 5 "port 5003 is bound" bound 5003
  say "$I" wg show "$I" listen-port
  say "$I" wg set "$I" listen-port 5004; say "$I" wg show "$I" listen-port
  bound 5004 || fail "port 5004 is not bound"
  say "$I" wg set "$I" listen-port 4009
}
has_port() { [ "$(in_ns n wg show "$1" listen-port)" -gt 0 ]; }
bound() { [ -n "$(in_ns n ss -Hlun "sport = :$1")" ]; }

ns_add n
start taken ip netns exec "$(ns n)" python3 -c '
import signal, socket
for family, any in ((socket.AF_INET, "0.0.0.0"),):
    taken = socket.socket(family, socket.SOCK_DGRAM)
    taken.bind((any, 4009))
print("bound", flush=True)
signal.pause()'
wait_for 5 "port taken" grep -q bound "$work/taken.log"

for kind in go starling; do
  interface=w$kind$$
  interface=${interface:0:15}
  case $kind in
    go) start "$kind" ip netns exec "$(ns n)" wireguard-go -f "$interface" ;;
    starling) start "$kind" ip netns exec "$(ns n)" "$BIN/starling-wg" -f "$interface" ;;
  esac
  pid=$!
  wait_for 5 "$kind is ready" engine_answers "$kind" n "$interface"
  # Down, wireguard-go has a port on some kernels; starling-wg has none, as the kernel's own WireGuard.
  in_ns n ip link set "$interface" up
  wait_for 5 "$kind has a port" has_port "$interface"
  conversation "$interface" >"$work/$kind.said"
  kill "$pid"
  wait "$pid" || fail "$kind ended with status $?"
done
diff -u "$work/go.said" "$work/starling.said" >"$work/difference" ||
  { cat "$work/difference"; fail "wg can tell starling-wg from wireguard-go"; }
[ "$(grep -c '^== ' "$work/starling.said")" -gt 100 ] || fail "the conversation was cut short"
note "ok: $(grep -c '^== ' "$work/starling.said") commands, $(wc -l <"$work/starling.said") lines, no difference"
