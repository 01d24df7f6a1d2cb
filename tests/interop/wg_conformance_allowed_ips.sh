#!/usr/bin/env bash
# wg_conformance_allowed_ips.sh LEFT RIGHT: who may send a source, the longest prefix first; prefixes that move between peers.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command nft nftables
tunnel "$1" "$2"
make_keys other
peer_l=$(public_key l) other=$(public_key other)
wg_set r peer "$peer_l" allowed-ips 10.9.0.0/24,fd09::/64
address l 10.9.0.7/32 fd09::7/128 10.8.8.8/32 fd08::8/128
pings l 2 10.9.0.2

# The tunnel keeps the order: when the later packet is there, an earlier one that is not was held back.
count r from_seven input iifname "$(wg_interface r)" ip saddr 10.9.0.7
count r from_seven_v6 input iifname "$(wg_interface r)" ip6 saddr fd09::7
count r from_outside input iifname "$(wg_interface r)" ip saddr 10.8.8.8
count r from_outside_v6 input iifname "$(wg_interface r)" ip6 saddr fd08::8
send() { in_ns l ping -q -n -c 1 -W 0.01 -I "$1" "$2" >/dev/null 2>&1; }
send_all() {
  send 10.9.0.7 10.9.0.2
  send fd09::7 fd09::2
  send 10.8.8.8 10.9.0.2
  send fd08::8 fd09::2
  expect_answer l 10.9.0.2 -I 10.9.0.1
  expect_answer l fd09::2 -I fd09::1
}
# passed INSIDE OUTSIDE: so many so far of each family, from .7 and from 10.8.8.8 or fd08::8
passed() {
  local got; got="$(counted r from_seven) $(counted r from_seven_v6) $(counted r from_outside) $(counted r from_outside_v6)"
  [ "$got" = "$1 $1 $2 $2" ] || fail "r ($(name_of r)) let through '$got' of 10.9.0.7, fd09::7, 10.8.8.8, fd08::8, not '$1 $1 $2 $2'"
}
# expect_prefixes NODE PEER PREFIXES: in any order; to be given sorted
expect_prefixes() {
  local got; got=$(wg_show "$1" allowed-ips "$2" | tr ' ' '\n' | sort | xargs)
  [ "$got" = "$3" ] || fail "allowed IPs of $2 at $1 ($(name_of "$1")): '$got', not '$3'"
}
note "a source within the peer's prefix passes, one outside does not"
send_all
passed 1 0
note "a longer prefix of another peer takes it away"
wg_set r peer "$other" allowed-ips 10.9.0.4/30,fd09::4/126
send_all
passed 1 0
note "and gives it back"
wg_set r peer "$other" remove
send_all
passed 2 0

note "a prefix belongs to the peer that was told of it last"
wg_set r peer "$peer_l" allowed-ips 10.9.0.1/32,fd09::1/128
wg_set r peer "$other" allowed-ips 10.9.0.1/32,10.9.1.0/24
expect_prefixes r l fd09::1/128
expect_prefixes r other "10.9.0.1/32 10.9.1.0/24"
expect_no_answer l 10.9.0.2
expect_answer l fd09::2 -I fd09::1
expect_no_answer r 10.9.0.1
wg_set r peer "$peer_l" allowed-ips 10.9.0.1/32,fd09::1/128
expect_prefixes r other 10.9.1.0/24
expect_answer l 10.9.0.2 -I 10.9.0.1
expect_answer r 10.9.0.1

note "host bits are not kept; a default route is the shortest prefix"
wg_set r peer "$other" allowed-ips 10.9.77.77/24,fd77::77/64 2>/dev/null # wg warns
expect_prefixes r other "10.9.77.0/24 fd77::/64"
wg_set r peer "$peer_l" allowed-ips 0.0.0.0/0,::/0
expect_prefixes r l "0.0.0.0/0 ::/0"
address l 10.9.77.1/32
count r from_other input iifname "$(wg_interface r)" ip saddr 10.9.77.1
send 10.9.77.1 10.9.0.2
send_all
passed 3 1
[ "$(counted r from_other)" = 0 ] || fail "r ($(name_of r)) let through a source of another peer"
note "ok"
