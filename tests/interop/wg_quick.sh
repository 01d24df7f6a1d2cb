#!/usr/bin/env bash
# wg_quick.sh PROGRAM TABLE FAMILY: `wg-quick up` and `down` with PROGRAM (starling-wg, wireguard-go) as its userspace
# implementation, with a preshared key, in a namespace of its own; the other end is starling-wg, configured by hand.
# TABLE off: no route is made. TABLE auto: all traffic of FAMILY (4, 6) goes into the tunnel, by wg-quick's rules.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
program=$1 table=$2 family=$3
need_root
need_command wg wireguard-tools
need_command wg-quick wireguard-tools
need_command ping iputils-ping
need_command nft nftables
[ "$program" = starling-wg ] || need_command "$program"

ns_add q
ns_add far
in_ns q ip link add type wireguard 2>/dev/null && skip "this kernel has WireGuard, so wg-quick asks for no other"
veth q far 192.0.2.1/24 192.0.2.2/24 2001:db8::1/64 2001:db8::2/64 2>/dev/null
make_keys q far
case $family in
  4) endpoint=192.0.2.2:4002 inner_q=10.9.0.1 inner_far=10.9.0.2 beyond=198.51.100.7 length=32 all=0.0.0.0/0 ;;
  6) endpoint='[2001:db8::2]:4002' inner_q=fd09::1 inner_far=fd09::2 beyond=2001:db8:7::7 length=128 all=::/0 ;;
  *) fail "family $family" ;;
esac
allowed=$inner_far/$length
[ "$table" = auto ] && allowed=$all

write_config far 4002 <<END
[Peer]
PublicKey = $(cat "$work/q.pub")
PresharedKey = $(cat "$work/psk")
AllowedIPs = $inner_q/$length
END
wg_up starling far
add_address far "$inner_far/$length" "$beyond/$length"
far_interface=$(wg_interface far)
ip -n "$(ns far)" -"$family" route add "$inner_q/$length" dev "$far_interface" || fail "route at far"

interface=$(wg_interface q)
cat >"$work/$interface.conf" <<END
[Interface]
PrivateKey = $(cat "$work/q.key")
Address = $inner_q/$length
ListenPort = 4001
Table = $table
PostUp = echo up >$work/hooks
PostDown = echo down >>$work/hooks
[Peer]
PublicKey = $(cat "$work/far.pub")
PresharedKey = $(cat "$work/psk")
Endpoint = $endpoint
AllowedIPs = $allowed
PersistentKeepalive = 25
END
export PATH="$BIN:$PATH" WG_QUICK_USERSPACE_IMPLEMENTATION=$program
# The engine goes to the background: its output must not hold a pipe of ours.
quick() { in_ns q timeout 30 wg-quick "$1" "$work/$interface.conf" >"$work/quick.log" 2>&1 </dev/null; }
rules() { in_ns q ip -"$family" rule show; }
before_rules=$(rules)
engines() { local pid; for pid in $(ip netns pids "$(ns q)"); do [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$program" ] && echo "$pid"; done; }

for round in 1 2; do
  note "round $round: up"
  quick up || fail "wg-quick up: $(cat "$work/quick.log")"
  engine=$(engines)
  [ -n "$engine" ] || fail "$program does not run: $(cat "$work/quick.log")"
  pids+=("$engine")
  [ "$(cat "$work/hooks")" = up ] || fail "PostUp has not run"
  in_ns q wg show "$interface" preshared-keys | found -F "$(cat "$work/psk")" || fail "no preshared key"
  if [ "$table" = off ]; then
    [ "$(rules)" = "$before_rules" ] || fail "rules with Table=off: $(rules)"
    ip -n "$(ns q)" -"$family" route add "$inner_far/$length" dev "$interface" || fail "route at q"
  else
    rules | found "not from all fwmark 0xca6c lookup 51820" || fail "no rule for the mark: $(rules)"
    [ "$(in_ns q wg show "$interface" fwmark)" = 0xca6c ] || fail "no mark: $(in_ns q wg show "$interface" fwmark)"
    pings q 3 "$beyond" # by the default route, through the tunnel, while the tunnel's own packets go by the veth
  fi
  pings q 3 "$inner_far"
  pings far 3 "$inner_q"
  note "round $round: down"
  quick down || fail "wg-quick down: $(cat "$work/quick.log")"
  [ "$(tail -n 1 "$work/hooks")" = down ] || fail "PostDown has not run"
  wait_for 5 "$program ends" eval '[ -z "$(engines)" ]'
  [ ! -e "/var/run/wireguard/$interface.sock" ] || fail "the socket was left behind"
  [ "$(rules)" = "$before_rules" ] || fail "rules left behind: $(rules)"
  in_ns q ip -"$family" route show table all | grep -E "$interface|table 51820" && fail "routes left behind"
done
note "ok"
