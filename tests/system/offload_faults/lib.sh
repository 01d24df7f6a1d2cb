# For the tests of the engine's offloads: nodes l, r and m, each with an engine that tests/system/offload_faults/faults.cpp
# watches and makes fail. l has tunnels to r and m; r and m know l only.
# Source it first: it brings tests/lib.sh and tests/interop/wg_lib.sh.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command python3
need_command ping iputils-ping
shim=$BIN/offload_faults.so
[ -e "$shim" ] || fail "there is no $shim: build it"

declare -A underlay4=([l]=192.0.2.1 [r]=192.0.2.2 [m]=198.51.100.2) underlay6=([l]=2001:db8:1::1 [r]=2001:db8:1::2 [m]=2001:db8:2::2)
declare -A number=([l]=1 [r]=2 [m]=3)

# The namespaces and the underlay, once.
make_underlay() {
  ns_add l; ns_add r; ns_add m
  veth l r 192.0.2.1/24 192.0.2.2/24 2001:db8:1::1/64 2001:db8:1::2/64 2>/dev/null
  veth l m 198.51.100.1/24 198.51.100.2/24 2001:db8:2::1/64 2001:db8:2::2/64 2>/dev/null
  make_keys l r m
}

# peer_section NODE FAMILY: how l reaches it
peer_section() {
  local address=${underlay4[$1]}
  [ "$2" = 6 ] && address="[${underlay6[$1]}]"
  echo "[Peer]"
  echo "PublicKey = $(<"$work/$1.pub")"
  echo "Endpoint = $address:4001"
  echo "AllowedIPs = 10.9.0.${number[$1]}/32, fd09::${number[$1]}/128"
}

# engine NODE FAULTS ARGUMENTS...: starts it with $work/NODE.conf. What the shim counts is in $work/counts/NODE.
engine() {
  local node=$1 faults=$2 interface; interface=$(wg_interface "$node"); shift 2
  rm -rf "$work/counts/$node"; mkdir -p "$work/counts/$node"
  : >"$work/$node.log"
  start "$node" ip netns exec "$(ns "$node")" env LD_PRELOAD="$shim" OFFLOAD_FAULTS="$faults" OFFLOAD_COUNTS="$work/counts/$node" \
    "$BIN/starling-wg" -f --config "$work/$node.conf" "$@" "$interface"
  wg_pid[$node]=$! wg_kind[$node]=starling
  wait_for 10 "starling-wg of $node is ready" grep -q "ready" "$work/$node.log"
  add_address "$node" "10.9.0.${number[$node]}/24" "fd09::${number[$node]}/64"
}

# tunnels FAMILY_R FAMILY_M FAULTS ARGUMENTS...: engines at all three, that of l with the faults and the arguments. r is reached over
# this family of the underlay, m over that one ("" for no m).
tunnels() {
  local family_r=$1 family_m=$2 faults=$3 node; shift 3
  for node in "${!wg_pid[@]}"; do wg_down "$node"; done
  wg_pid=()
  { peer_section r "$family_r"; [ -z "$family_m" ] || peer_section m "$family_m"; } | write_config l 4001
  for node in r ${family_m:+m}; do
    { echo "[Peer]"; echo "PublicKey = $(<"$work/l.pub")"; echo "AllowedIPs = 10.9.0.1/32, fd09::1/128"; } | write_config "$node" 4001
    engine "$node" ""
  done
  engine l "$faults" "$@"
  pings l 1 10.9.0.2
  [ -z "$family_m" ] || pings l 1 10.9.0.3
}

# carry FROM TO FAMILY: pings of all sizes, also marked (so that more is said with a message than with the one before), a TCP stream checked by its hash, UDP in bursts.
carry() {
  local from=$1 to=$2 address=10.9.0.${number[$2]} size
  [ "$3" = 6 ] && address=fd09::${number[$2]}
  for size in 0 56 1372 4000; do pings "$from" 2 "$address" "$size"; done
  in_ns "$from" ping -q -n -c 2 -i 0.01 -W 5 -Q 2 "$address" >"$work/ping.log" 2>&1 || fail "marked pings $from to $to: $(tail -n 2 "$work/ping.log")"
  stream "$from" "$to" "$address" 8000000
  datagrams "$from" "$to" "$address"
}

# counted NODE WHAT: how often; see faults.cpp
counted() { if [ -e "$work/counts/$1/$2" ]; then stat -c %s "$work/counts/$1/$2"; else echo 0; fi; }
# some NODE WHAT, none NODE WHAT
some() { [ "$(counted "$1" "$2")" -gt 0 ] || fail "$1: no $2 (there are:$(cd "$work/counts/$1" && stat -c ' %n %s,' -- * 2>/dev/null))"; }
none() { [ "$(counted "$1" "$2")" = 0 ] || fail "$1: $2 $(counted "$1" "$2") times"; }

# warnings NODE: what it tells a person of offloads
warnings() { grep -E 'switched off|not used' "$work/$1.log"; }
# warned NODE TEXT: exactly one warning, of this text
warned() {
  wait_for 5 "$1 warns: $2" grep -qF "$2" "$work/$1.log"
  [ "$(warnings "$1" | wc -l)" = 1 ] || fail "$1 warns: $(warnings "$1")"
  note "$1: $(warnings "$1")"
}
not_warned() { [ -z "$(warnings "$1")" ] || fail "$1 warns: $(warnings "$1")"; }
# none_failed NODE...: the kernel took every run that it was given
none_failed() {
  local node
  for node in "$@"; do
    [ -z "$(find "$work/counts/$node" -name 'gso_failed.*')" ] || fail "$node: $(cd "$work/counts/$node" && stat -c '%n %s' gso_failed.*)"
  done
}
# no_drops NODE...: nothing was lost but the kernel's own chatter, and nothing malformed was said to the kernel
no_drops() {
  local node unexpected
  for node in "$@"; do
    unexpected=$(grep "dropped" "$work/$node.log")
    [ -z "$unexpected" ] || fail "drops at $node: $unexpected"
    none "$node" padding_refused
  done
}
