# For tests with WireGuard implementations at both ends: `starling` is starling-wg, `go` is wireguard-go with `wg`.
# Source it after tests/lib.sh. Interface names carry the test's pid: wireguard-go's control sockets lie in one directory
# for all namespaces.

wg_interface() { echo "w$1$$"; }

# Keys of node NAME: $work/NAME.key (private) and NAME.pub; PSK for all: $work/psk.
make_keys() {
  local name
  umask 077
  for name in "$@"; do
    wg genkey >"$work/$name.key"
    wg pubkey <"$work/$name.key" >"$work/$name.pub"
  done
  [ -e "$work/psk" ] || wg genpsk >"$work/psk"
}

# write_config NODE PORT < the lines behind [Interface]'s PrivateKey and ListenPort
write_config() {
  { echo "[Interface]"; echo "PrivateKey = $(cat "$work/$1.key")"; echo "ListenPort = $2"; cat; } >"$work/$1.conf"
}

# engine_answers KIND NODE INTERFACE: wg(8) is answered. It removes a socket that refuses it, which wireguard-go's does from
# bind() to listen(), so that one is not asked before it listens.
engine_answers() {
  [ "$1" != go ] || in_ns "$2" ss -Hlx | found "/var/run/wireguard/$3.sock " || return 1
  in_ns "$2" wg show "$3"
}

# wg_up KIND NODE: the interface of NODE, in the namespace of that name, configured by $work/NODE.conf; the pid is in
# ${wg_pid[NODE]}, the log in $work/NODE.log.
declare -A wg_pid wg_kind
wg_up() {
  local kind=$1 node=$2 interface; interface=$(wg_interface "$node")
  wg_kind[$node]=$kind
  : >"$work/$node.log" # or the "ready" of a former run is taken for this one's
  case $kind in
    starling)
      start "$node" ip netns exec "$(ns "$node")" "$BIN/starling-wg" -f --config "$work/$node.conf" "$interface"
      wg_pid[$node]=$!
      wait_for 5 "starling-wg of $node is ready" grep -q "ready" "$work/$node.log" ;;
    go)
      start "$node" ip netns exec "$(ns "$node")" env LOG_LEVEL=verbose WG_PROCESS_FOREGROUND=1 wireguard-go -f "$interface"
      wg_pid[$node]=$!
      wait_for 5 "wireguard-go of $node is ready" engine_answers go "$node" "$interface"
      in_ns "$node" wg setconf "$interface" "$work/$node.conf" || fail "wg setconf of $node"
      ip -n "$(ns "$node")" link set "$interface" mtu 1420 up ;;
    *) fail "no implementation called $kind" ;;
  esac
}

# wg_down NODE: ends it and waits until it is gone.
wg_down() {
  local pid=${wg_pid[$1]} i
  kill "$pid"
  wait "$pid" 2>/dev/null
  for i in "${!pids[@]}"; do [ "${pids[i]}" = "$pid" ] && unset "pids[i]"; done
  pids=("${pids[@]}")
}

# add_address NODE ADDRESS/LENGTH...
add_address() {
  local node=$1; shift
  while [ $# -gt 0 ]; do
    case $1 in
      *:*) ip -n "$(ns "$node")" addr add "$1" dev "$(wg_interface "$node")" nodad ;;
      *) ip -n "$(ns "$node")" addr add "$1" dev "$(wg_interface "$node")" ;;
    esac || fail "address $1"
    shift
  done
}

# The newest counters of a node's only peer, as "RX TX" in bytes.
transfer() {
  local node=$1 before
  case ${wg_kind[$node]} in
    go) in_ns "$node" wg show "$(wg_interface "$node")" transfer | awk '{print $2, $3}' ;;
    starling)
      before=$(grep -c "no known peer: drops:" "$work/$node.log")
      kill -USR1 "${wg_pid[$node]}"
      wait_for 5 "counters of $node" counters_printed "$node" "$before"
      sed -n 's/.* rx \([0-9]*\) bytes in .* tx \([0-9]*\) bytes in .*/\1 \2/p' "$work/$node.log" | tail -n 1 ;;
  esac
}
counters_printed() { [ "$(grep -c "no known peer: drops:" "$work/$1.log")" -gt "$2" ]; }

# pings NODE COUNT ADDRESS [SIZE]: all must be answered.
pings() {
  in_ns "$1" ping -q -n -c "$2" -i 0.01 -W 5 -s "${4:-56}" "$3" >"$work/ping.log" 2>&1 ||
    fail "ping from $1 to $3, $2 × ${4:-56} bytes: $(tail -n 2 "$work/ping.log")"
}

# stream FROM TO ADDRESS BYTES: a TCP stream, checked by its hash.
stream() {
  local from=$1 to=$2 address=$3 bytes=$4
  : >"$work/received.log" # no former stream's "listening"
  ip netns exec "$(ns "$to")" python3 "$SOURCE_DIR/tests/interop/stream.py" receive "$address" "$bytes" >"$work/received.log" 2>&1 &
  local receiver=$!
  wait_for 10 "$to listens" grep -q listening "$work/received.log"
  in_ns "$from" timeout 60 python3 "$SOURCE_DIR/tests/interop/stream.py" send "$address" "$bytes" >"$work/sent.log" 2>&1 ||
    { kill "$receiver"; fail "stream $from to $to: $(tail -n 1 "$work/sent.log")"; }
  wait "$receiver" || fail "stream $from to $to: $(tail -n 1 "$work/received.log")"
  [ "$(tail -n 1 "$work/received.log")" = "$(tail -n 1 "$work/sent.log")" ] || fail "stream $from to $to: hashes differ"
}
# datagrams FROM TO ADDRESS: UDP in bursts, whole and in order.
datagrams() {
  local from=$1 to=$2 address=$3 bursts=40
  : >"$work/received.log"
  ip netns exec "$(ns "$to")" python3 "$SOURCE_DIR/tests/interop/datagrams.py" receive "$address" $bursts >"$work/received.log" 2>&1 &
  local receiver=$!
  wait_for 10 "$to listens" grep -q listening "$work/received.log"
  in_ns "$from" timeout 60 python3 "$SOURCE_DIR/tests/interop/datagrams.py" send "$address" $bursts >"$work/sent.log" 2>&1 ||
    { kill "$receiver"; fail "UDP $from to $to: $(tail -n 1 "$work/sent.log")"; }
  wait "$receiver" || fail "UDP $from to $to: $(tail -n 1 "$work/received.log")"
}
