#!/usr/bin/env bash
# wg_conformance_many.sh KIND: 255 peers with 130,560 allowed IPs go in by `wg setconf` and come out as they went in; 5,000 peers
# with none; and it is still the same tunnel that carries packets.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
tunnel "$1" "$1"
expect_answer l 10.9.0.2

# Any 32 bytes are a public key; these are 42 digits, which base64 takes as they are.
key='sprintf("%042dA=", p)'
note "255 peers, each with 256 prefixes of IPv4 and 256 of IPv6"
awk 'BEGIN {
  for (p = 1; p <= 255; p++) {
    printf "[Peer]\nPublicKey = %s\n", '"$key"'
    for (i = 0; i <= 255; i++) printf "AllowedIPs = %d.%d.0.0/16, %x:%x::/128\n", p, i, p, i + 1
  }
}' >"$work/many.conf"
awk 'BEGIN {
  for (p = 1; p <= 255; p++) for (i = 0; i <= 255; i++) printf "%s %d.%d.0.0/16\n%s %x:%x::/128\n", '"$key, p, i, $key"', p, i + 1
}' | sort >"$work/expected"
in_ns l wg addconf "$(wg_interface l)" "$work/many.conf" || fail "wg addconf of l ($(name_of l))"
wg_show l allowed-ips | awk -v own="$(public_key r)" '$1 != own { for (i = 2; i <= NF; i++) print $1, $i }' | sort >"$work/shown"
[ "$(wc -l <"$work/expected")" = 130560 ] || fail "the test's own list has $(wc -l <"$work/expected") prefixes"
cmp "$work/expected" "$work/shown" || fail "l ($(name_of l)) shows $(wc -l <"$work/shown") prefixes, $(comm -12 "$work/expected" "$work/shown" | wc -l) of them as they went in"
expect_answer l 10.9.0.2

note "which wg showconf writes as wg setconf reads them"
in_ns l wg showconf "$(wg_interface l)" >"$work/shown.conf" || fail "wg showconf of l ($(name_of l))"
in_ns l wg setconf "$(wg_interface l)" "$work/shown.conf" || fail "wg setconf of l ($(name_of l))"
in_ns l wg showconf "$(wg_interface l)" >"$work/again.conf"
for file in shown again; do tr -s ',' '\n' <"$work/$file.conf" | tr -d ' ' | sort >"$work/$file"; done
cmp "$work/shown" "$work/again" || fail "l ($(name_of l)) shows another configuration than it was given"
expect_answer l 10.9.0.2 # a new session: setconf replaces all peers

note "5000 peers without any"
awk 'BEGIN { for (p = 1001; p <= 6000; p++) printf "[Peer]\nPublicKey = %s\n", '"$key"' }' >"$work/peers.conf"
{ sed '/^\[Peer\]/,$d' "$work/shown.conf"
  printf '[Peer]\nPublicKey = %s\nPresharedKey = %s\nAllowedIPs = 10.9.0.2/32\nEndpoint = 192.0.2.2:4002\n' "$(public_key r)" "$(cat "$work/psk")"
  cat "$work/peers.conf"; } >"$work/wide.conf"
in_ns l wg syncconf "$(wg_interface l)" "$work/wide.conf" || fail "wg syncconf of l ($(name_of l))"
[ "$(wg_show l peers | wc -l)" = 5001 ] || fail "l ($(name_of l)) shows $(wg_show l peers | wc -l) peers, not 5001"
[ "$(wg_show l allowed-ips | grep -c '(none)')" = 5000 ] || fail "peers of l ($(name_of l)) kept allowed IPs"
expect_answer l 10.9.0.2
note "ok"
