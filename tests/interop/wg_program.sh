#!/usr/bin/env bash
# starling-wg as a program: what it says about bad input, that nothing starts half-way, and that without --foreground it
# returns when the interface is ready.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command python3

ns_add n
make_keys n other
interface=$(wg_interface n)
run() { in_ns n timeout 10 "$BIN/starling-wg" "$@" >"$work/output" 2>&1; }
# The pid of the program that went to the background in n; also ended with this test, whatever happens.
adopt() {
  local pid
  daemon=
  for pid in $(ip netns pids "$(ns n)"); do
    [ "$(cat "/proc/$pid/comm")" = starling-wg ] && daemon=$pid
  done
  [ -n "$daemon" ] || fail "no starling-wg runs in the background"
  pids+=("$daemon")
}
exists() { ip -n "$(ns n)" link show "$1" >/dev/null 2>&1; }

# refuses STATUS TEXT ARGUMENTS...: it says TEXT, exits with STATUS and leaves no interface behind
refuses() {
  local status=$1 text=$2 got; shift 2
  run "$@"; got=$?
  [ "$got" = "$status" ] || fail "$*: exit $got, not $status: $(cat "$work/output")"
  grep -qF -- "$text" "$work/output" || fail "$*: did not say '$text' but: $(cat "$work/output")"
  exists "$interface" && fail "$*: left $interface behind"
  return 0
}
# bad LINE TEXT < configuration: refused with FILE:LINE: TEXT
bad() {
  cat >"$work/bad.conf"
  refuses 1 "$work/bad.conf:$1: $2" --config "$work/bad.conf" -f "$interface"
}
key=$(cat "$work/n.key") other=$(cat "$work/other.pub")

note "configurations with mistakes"
refuses 1 "nowhere.conf: No such file" --config "$work/nowhere.conf" "$interface"
bad 1 "'ListenPort' before any section" <<<"ListenPort = 1"
bad 1 "unknown section [Tunnel]; there are [Interface] and [Peer]" <<<"[Tunnel]"
bad 1 "no PrivateKey in [Interface]" <<<"[Interface]"
bad 2 "PrivateKey: must be the 44 characters" <<<$'[Interface]\nPrivateKey = abc'
bad 3 "'70000': ListenPort: must be 0 to 65535" <<<$'[Interface]\nPrivateKey = '"$key"$'\nListenPort = 70000'
bad 3 "Address is a key of wg-quick; \`wg-quick strip\`" <<<$'[Interface]\nPrivateKey = '"$key"$'\nAddress = 10.0.0.1/24'
bad 2 "unknown key Colour; [Interface] has" <<<$'[Interface]\nColour = red'
bad 3 "this [Peer] has no PublicKey" <<<$'[Interface]\nPrivateKey = '"$key"$'\n[Peer]\nAllowedIPs = 10.0.0.0/8'
peer=$'[Interface]\nPrivateKey = '"$key"$'\n[Peer]\nPublicKey = '"$other"$'\n'
bad 5 "AllowedIPs '10.0.0.0/33': must be ADDRESS/LENGTH" <<<"${peer}AllowedIPs = fd00::/8, 10.0.0.0/33"
bad 5 "Endpoint '2001:db8::1:51820': must be HOST:PORT, or [IPV6]:PORT" <<<"${peer}Endpoint = 2001:db8::1:51820"
bad 5 "host 'no-such-host.invalid' has no address" <<<"${peer}Endpoint = no-such-host.invalid:51820"
bad 5 "'soon': PersistentKeepalive: must be 1 to 65535 seconds, or off" <<<"${peer}PersistentKeepalive = soon"
bad 5 "'what is this': must be Key = Value" <<<"${peer}what is this"
bad 5 "peer $other: there already; a public key can be one peer only" <<<"${peer}"$'[Peer]\nPublicKey = '"$other"

note "command lines and interfaces with mistakes"
refuses 2 "IFNAME is required" --config "$work/n.conf"
write_config n 0 </dev/null
refuses 1 "--workers 65: must be 0 to 64" --config "$work/n.conf" --workers 65 "$interface"
STARLING_WORKERS=65 refuses 1 "STARLING_WORKERS=65: must be 0 to 64" --config "$work/n.conf" "$interface"
refuses 1 "must be 1 to 15 printable characters" --config "$work/n.conf" "an-interface-name-that-is-too-long"
ip -n "$(ns n)" tuntap add "$interface" mode tun || fail "cannot make $interface"
run --config "$work/n.conf" -f "$interface" && fail "took over an interface that existed"
grep -q "exists already" "$work/output" || fail "said: $(cat "$work/output")"
ip -n "$(ns n)" tuntap del "$interface" mode tun
start taken ip netns exec "$(ns n)" python3 -c '
import signal, socket
taken = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
taken.bind(("::", 4009))
print("bound", flush=True)
signal.pause()'
wait_for 5 "port taken" grep -q bound "$work/taken.log"
write_config n 4009 </dev/null
refuses 1 "UDP port 4009: Address already in use; choose another listen port" --config "$work/n.conf" "$interface"

note "help and version"
run --help || fail "--help failed"
grep -q "PersistentKeepalive = 25" "$work/output" || fail "--help does not show the file format"
run --version && grep -Eq '^starling-wg [0-9]+\.[0-9]+\.[0-9]+$' "$work/output" || fail "--version says $(cat "$work/output")"

note "a host without IPv6"
in_ns n sysctl -q net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
write_config n 0 </dev/null
start n ip netns exec "$(ns n)" "$BIN/starling-wg" -f --config "$work/n.conf" "$interface"
wait_for 5 "ready without IPv6" grep -q ready "$work/n.log"
kill -TERM $!
wait $! || fail "did not end well"
in_ns n sysctl -q net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0

note "in the background"
write_config n 0 </dev/null
run --config "$work/n.conf" "$interface" || fail "did not start: $(cat "$work/output")"
adopt
exists "$interface" || fail "returned before $interface was there"
ip -n "$(ns n)" -j addr show "$interface" | found fe80 && fail "the kernel made a link-local address"
[ "$(cat <(ip -n "$(ns n)" -j link show "$interface") | grep -o '"mtu":[0-9]*')" = '"mtu":1420' ] || fail "MTU is not 1420"
kill -TERM "$daemon"
gone() { ! exists "$interface"; }
wait_for 5 "$interface goes with the program" gone

note "ends when its interface is removed"
run --config "$work/n.conf" "$interface" || fail "did not start again: $(cat "$work/output")"
adopt
ip -n "$(ns n)" link del "$interface" || fail "cannot remove $interface"
ended() { ! [ -e "/proc/$daemon" ]; }
wait_for 5 "the program ends" ended
note "ok"
