#!/usr/bin/env bash
# wg_conformance_keys.sh LEFT RIGHT: a private key changed at run time, clamped when it is read back, never one's own peer; and
# public keys of low order, to which nothing is ever sent.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command nft nftables
need_command base64 coreutils
tunnel "$1" "$2"
expect_answer l 10.9.0.2

note "a new private key: the next packet needs a new handshake, and gets it at once"
make_keys other
wg_set r peer "$(public_key l)" remove peer "$(public_key other)" preshared-key "$work/psk" allowed-ips 10.9.0.1/32,fd09::1/128
wg_set l private-key "$work/other.key"
expect_answer l 10.9.0.2 -w 3
expect_answer r fd09::1
handshake_done r other || fail "r ($(name_of r)) shows no handshake with the new key"
[ "$(wg_show l public-key)" = "$(public_key other)" ] || fail "l ($(name_of l)) shows the public key $(wg_show l public-key)"
expect_shown r endpoints other 192.0.2.1:4001

note "the former key is nobody any more"
wg_set l private-key "$work/l.key"
expect_no_answer l 10.9.0.2
[ "$(rx_bytes l r)" -gt 0 ] || fail "the counters of l ($(name_of l)) began anew"
wg_set l private-key "$work/other.key"
expect_answer l 10.9.0.2

note "a preshared key changed at run time"
wg genpsk >"$work/psk2"
wg_set r peer "$(public_key other)" preshared-key "$work/psk2"
expect_shown r preshared-keys other "$(cat "$work/psk2")"
afresh l r preshared-key "$work/psk" endpoint 192.0.2.2:4002
expect_no_answer l 10.9.0.2
afresh l r preshared-key "$work/psk2" endpoint 192.0.2.2:4002
expect_answer l 10.9.0.2
wg_set r peer "$(public_key other)" preshared-key /dev/null
expect_shown r preshared-keys other "(none)"

note "a private key is clamped"
head -c 32 /dev/zero | tr '\0' '\377' | base64 >"$work/ones.key"
wg pubkey <"$work/ones.key" >"$work/ones.pub"
wg_set l private-key "$work/ones.key"
clamped=$({ printf '\370'; head -c 30 /dev/zero | tr '\0' '\377'; printf '\177'; } | base64)
[ "$(wg_show l private-key)" = "$clamped" ] || fail "l ($(name_of l)) shows the private key $(wg_show l private-key), not $clamped"
[ "$(wg_show l public-key)" = "$(public_key ones)" ] || fail "l ($(name_of l)) shows the public key $(wg_show l public-key), not $(public_key ones)"

note "one's own key is no peer: not when it is added, not when it becomes one's own"
has_peer() { wg_show l peers | found -xF "$(public_key "$1")"; }
make_keys own
wg_set l private-key "$work/own.key"
wg_set l peer "$(public_key own)" allowed-ips 10.9.0.9/32
has_peer own && fail "l ($(name_of l)) is a peer of itself"
wg_set l private-key /dev/null
[ "$(wg_show l private-key)" = "(none)" ] || fail "l ($(name_of l)) still has a private key: $(wg_show l private-key)"
wg_set l peer "$(public_key own)" allowed-ips 10.9.0.9/32
has_peer own || fail "l ($(name_of l)) has no private key, and yet refuses a peer"
wg_set l private-key "$work/own.key"
has_peer own && fail "l ($(name_of l)) has become a peer of itself"
has_peer r || fail "l ($(name_of l)) lost another peer"

# Those whose shared secret is zero, whatever the other key: RFC 7748 §6.1.
low_order="
0000000000000000000000000000000000000000000000000000000000000000
0100000000000000000000000000000000000000000000000000000000000000
e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800
5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157
ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
note "public keys of low order: nothing is sent to them, neither for packets nor to keep them alive"
count r to_low_order input udp dport 4666
count r to_honest input udp dport 4667
i=0
for hex in $low_order; do
  i=$((i + 1))
  key=$(printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" | base64)
  wg_set l peer "$key" endpoint 192.0.2.2:4666 persistent-keepalive 1 allowed-ips "10.9.6.$i/32"
  wg_show l peers | found -xF "$key" || fail "l ($(name_of l)) refuses the peer $key"
  ip -n "$(ns l)" route add "10.9.6.$i/32" dev "$(wg_interface l)"
  in_ns l ping -q -n -c 1 -W 0.01 "10.9.6.$i" >/dev/null 2>&1
done
# The measure of "never": an honest peer set up in the same way, after them, was sent to twice (REKEY_TIMEOUT apart).
wg_set l peer "$(public_key ones)" endpoint 192.0.2.2:4667 persistent-keepalive 1 allowed-ips 10.9.6.100/32
await_count r to_honest 2 15 "initiations of l ($(name_of l)) to an honest peer"
[ "$(counted r to_low_order)" = 0 ] || fail "l ($(name_of l)) sent $(counted r to_low_order) datagrams to peers with keys of low order"
sent=$(wg_show l transfer | awk -v keys="$(public_key ones) $(public_key r)" 'index(keys, $1) == 0 { sum += $3 } END { print sum + 0 }')
[ "$sent" = 0 ] || fail "l ($(name_of l)) counts $sent bytes sent to peers with keys of low order"
note "ok"
