# For the wg_conformance_*.sh, each of which is one subject of what implementations of WireGuard test on themselves: two
# nodes, l and r, whose implementations are arguments (starling, go, kernel), set up by ip(8) and wg(8) alone.
# Source it first: it brings tests/lib.sh and wg_lib.sh.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command ping iputils-ping

# The namespace in which a node's interface is at present.
declare -A home

# engine KIND NODE [NAMESPACE]: makes NODE's interface in NAMESPACE (of the node's name unless given), not configured yet.
engine() {
  local kind=$1 node=$2 birthplace=${3:-$2} interface; interface=$(wg_interface "$node")
  wg_kind[$node]=$kind home[$node]=$birthplace
  case $kind in
    starling) start "$node" ip netns exec "$(ns "$birthplace")" "$BIN/starling-wg" -f "$interface" ;;
    go)
      need_command wireguard-go
      start "$node" ip netns exec "$(ns "$birthplace")" env LOG_LEVEL=verbose wireguard-go -f "$interface" ;;
    kernel)
      ip -n "$(ns "$birthplace")" link add "$interface" type wireguard || skip "this kernel has no WireGuard"
      return ;;
    *) fail "no implementation called $kind" ;;
  esac
  wg_pid[$node]=$!
  wait_for 10 "$kind makes the interface of $node" ready_or_gone "$node" "$birthplace"
  kill -0 "${wg_pid[$node]}" 2>/dev/null || fail "$kind, of $node, has ended"
  [ "$kind" != starling ] || grep -q "ready, .*; $(aead_here) encrypts\$" "$work/$node.log" || fail "not $(aead_here): $(cat "$work/$node.log")"
}
ready_or_gone() { engine_answers "${wg_kind[$1]}" "$2" "$(wg_interface "$1")" || ! kill -0 "${wg_pid[$1]}"; }

# move_interface NODE NAMESPACE: the engine stays where it is.
move_interface() {
  ip -n "$(ns "${home[$1]}")" link set "$(wg_interface "$1")" netns "$(ns "$2")" || fail "cannot move $1's interface to $2"
  home[$1]=$2
}

# link NODE ARGUMENTS...: of `ip link set`, for the node's interface
link() {
  local node=$1; shift
  ip -n "$(ns "${home[$node]}")" link set "$(wg_interface "$node")" "$@" || fail "ip link set of $node: $*"
}
# address NODE ADDRESS/LENGTH...
address() {
  local node=$1 one extra; shift
  for one in "$@"; do
    extra=()
    [[ $one == *:* ]] && extra=(nodad)
    ip -n "$(ns "${home[$node]}")" addr add "$one" dev "$(wg_interface "$node")" "${extra[@]}" || fail "address $one of $node"
  done
}

public_key() { echo "$(<"$work/$1.pub")"; }
# wg_set NODE ARGUMENTS...: of `wg set`
wg_set() {
  local node=$1; shift
  in_ns "${home[$node]}" wg set "$(wg_interface "$node")" "$@" || fail "wg set of $node ($(name_of "$node")): $*"
}
# wg_show NODE WHAT [PEER]: `wg show INTERFACE WHAT`; with PEER, a node's name, only what stands behind its key
wg_show() {
  local all; all=$(in_ns "${home[$1]}" wg show "$(wg_interface "$1")" "$2") || fail "wg show $2 of $1 ($(name_of "$1"))"
  if [ $# -eq 2 ]; then echo "$all"; else awk -v key="$(public_key "$3")" -F'\t' '$1 == key { $1 = ""; print substr($0, 2) }' <<<"$all"; fi
}
name_of() { echo "$1, ${wg_kind[$1]}"; }

# expect_shown NODE WHAT PEER VALUE: at once
expect_shown() {
  local got; got=$(wg_show "$1" "$2" "$3")
  [ "$got" = "$4" ] || fail "wg show $2 of $1 ($(name_of "$1")) about $3: '$got', not '$4'"
}
rx_bytes() { local rx tx; read -r rx tx <<<"$(wg_show "$1" transfer "$2")"; echo "$rx"; }
tx_bytes() { local rx tx; read -r rx tx <<<"$(wg_show "$1" transfer "$2")"; echo "$tx"; }
# await_received NODE PEER BYTES SECONDS WHAT
await_received() { await_at_least "$3" "$4" "$5: bytes received by $1" rx_bytes "$1" "$2"; }
# await_at_least NUMBER SECONDS WHAT COMMAND...: until the command prints that much.
await_at_least() {
  local least=$1 seconds=$2 what=$3 end=$((SECONDS + $2))
  shift 3
  until [ "$("$@")" -ge "$least" ]; do
    [ $SECONDS -lt $end ] || fail "$what: $("$@"), not $least, within $seconds s"
    sleep 0.05
  done
}
handshake_done() { [ "$(wg_show "$1" latest-handshakes "$2")" -gt 0 ] 2>/dev/null; }

# underlay: the namespaces l and r, joined; port 4001 at l, 4002 at r.
underlay() {
  ns_add l
  ns_add r
  veth l r 192.0.2.1/24 192.0.2.2/24 2001:db8::1/64 2001:db8::2/64 2>/dev/null
}
# tunnel LEFT RIGHT: an underlay and a tunnel on it. l knows where r is, r does not know where l is; nothing was sent.
tunnel() {
  underlay
  make_keys l r
  engine "$1" l
  engine "$2" r
  configure_tunnel 192.0.2.2:4002
}
# configure_tunnel ENDPOINT_OF_R: keys, peers, addresses; up.
configure_tunnel() {
  wg_set l private-key "$work/l.key" listen-port 4001 peer "$(public_key r)" preshared-key "$work/psk" \
    allowed-ips 10.9.0.2/32,fd09::2/128 endpoint "$1"
  wg_set r private-key "$work/r.key" listen-port 4002 peer "$(public_key l)" preshared-key "$work/psk" \
    allowed-ips 10.9.0.1/32,fd09::1/128
  address l 10.9.0.1/24 fd09::1/64
  address r 10.9.0.2/24 fd09::2/64
  link l mtu 1420 up
  link r mtu 1420 up
}

# What a node of the tunnel has: 10.9.0.N and fd09::N inside, 192.0.2.N and 2001:db8::N outside, and a port.
declare -A number=([l]=1 [r]=2) port=([l]=4001 [r]=4002)
endpoint_of() { echo "192.0.2.${number[$1]}:${port[$1]}"; }
# afresh NODE PEER ARGUMENTS...: of `wg set … peer`; the peer's session, cookie, endpoint and counters are forgotten
afresh() {
  local key; key=$(public_key "$2")
  wg_set "$1" peer "$key" remove peer "$key" allowed-ips "10.9.0.${number[$2]}/32,fd09::${number[$2]}/128" "${@:3}"
}

# answers NAMESPACE ADDRESS [PING_OPTION...]: one ping of at most five, soon; for what may lose packets on its way there
answers() {
  local from=$1 to=$2; shift 2
  in_ns "$from" ping -q -n -c 1 -w 5 -i 0.2 "$@" "$to" >"$work/ping.log" 2>&1
}
expect_answer() { answers "$@" || fail "no answer in $1 from ${*:2}: $(tail -n 2 "$work/ping.log")"; }
expect_no_answer() {
  in_ns "$1" ping -q -n -c 1 -W 0.3 "${@:3}" "$2" >"$work/ping.log" 2>&1 && fail "an answer in $1 from ${*:2}"
  return 0
}

# expect_ten_pings STARTER OTHER: what `wg show transfer` says of a handshake and ten pings. 10 × (84 padded to 96, + 32) = 1280
# each way; initiation 148, response 92. An implementation may send one keepalive (32) when the handshake is complete,
# before the first ping.
expect_ten_pings() {
  local rx tx; read -r rx tx <<<"$(wg_show "$1" transfer "$2")"
  [ "$rx" = 1372 ] || fail "$1 ($(name_of "$1")) received $rx bytes, not 1372"
  [ "$tx" = 1428 ] || [ "$tx" = 1460 ] || fail "$1 ($(name_of "$1")) sent $tx bytes, not 1428 or 1460"
  expect_shown "$2" transfer "$1" "$tx $rx"
}

# stream FROM TO ADDRESS BYTES: TCP, and every byte arrives as it was sent.
stream() {
  local family=4 receiver
  [[ $3 == *:* ]] && family=6
  head -c "$4" /dev/urandom >"$work/sent"
  in_ns "$2" timeout 60 socat -u "TCP$family-LISTEN:5001,reuseaddr" "CREATE:$work/received" &
  receiver=$!
  in_ns "$1" timeout 60 socat -u "OPEN:$work/sent" "TCP$family:${3/#fd*/[$3]}:5001,retry=100,interval=0.05" ||
    { kill "$receiver"; fail "stream from $1 to $2 ($3)"; }
  wait "$receiver" || fail "stream from $1 to $2 ($3) was not received"
  cmp "$work/sent" "$work/received" || fail "stream from $1 to $2 ($3): other bytes arrived"
}
# iperf_server NAMESPACE, then iperf NAMESPACE ADDRESS OPTION...
iperf_server() {
  start iperf ip netns exec "$(ns "$1")" iperf3 -s --forceflush
  wait_for 10 "iperf3 listens" grep -q listening "$work/iperf.log"
}
iperf() {
  local from=$1 address=$2; shift 2
  in_ns "$from" timeout 60 iperf3 -c "$address" "$@" >"$work/client.log" 2>&1 ||
    fail "iperf3 from $from to $address $*: $(tail -n 2 "$work/client.log")"
}
# datagrams FROM TO ADDRESS: 40 of UDP at once, each of which arrives, once, in order. Counted by who receives them: the kernel's own
# counters take datagrams that were joined for one.
datagrams() {
  local family=4 receiver
  [[ $3 == *:* ]] && family=6
  head -c 48000 /dev/urandom >"$work/sent"
  : >"$work/received"
  ip netns exec "$(ns "$2")" socat -u "UDP$family-RECV:5002" "OPEN:$work/received,append" &
  receiver=$!
  wait_for 10 "a receiver of datagrams in $2" in_ns "$2" grep -qi ':138A ' /proc/net/udp /proc/net/udp6
  in_ns "$1" socat -u -b 1200 "OPEN:$work/sent" "UDP$family-SENDTO:${3/#fd*/[$3]}:5002" || fail "datagrams from $1 to $2 ($3)"
  await_at_least 48000 10 "40 datagrams from $1 to $2 ($3): bytes" size_of "$work/received"
  kill "$receiver"
  wait "$receiver" 2>/dev/null
  cmp "$work/sent" "$work/received" || fail "datagrams from $1 to $2 ($3): others arrived"
}
size_of() { wc -c <"$1"; }

# count NAMESPACE NAME NFT_RULE...: counts packets for which the rule holds, in the chain that its first word names
count() {
  local namespace=$1 name=$2 hook=$3; shift 3
  in_ns "$namespace" nft -f - <<END || fail "nft: $*"
add table inet test
add chain inet test $hook { type filter hook $hook priority 0; }
add counter inet test $name
add rule inet test $hook $* counter name $name
END
}
counted() { in_ns "$1" nft list counter inet test "$2" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }
# await_count NAMESPACE NAME PACKETS SECONDS WHAT
await_count() { await_at_least "$3" "$4" "$5: packets" counted "$1" "$2"; }
