#!/usr/bin/env bash
# kernel_pair.sh: the kernel's WireGuard (l) and starling-wg (r). Either starts, over IPv4 and IPv6, with and without a preshared
# key; then data of all kinds both ways. In tests/interop/kernel_guest.sh, or on a host whose kernel has WireGuard.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command socat
need_command iperf3
need_command nft nftables
tunnel kernel starling
for starter in l r; do
  other=r
  [ "$starter" = r ] && other=l
  for endpoint in "$(endpoint_of "$other")" "[2001:db8::${number[$other]}]:${port[$other]}"; do
    for psk in "$work/psk" /dev/null; do
      note "$(name_of "$starter") starts, to $endpoint, preshared key from $psk"
      afresh "$other" "$starter" preshared-key "$psk"
      afresh "$starter" "$other" preshared-key "$psk" endpoint "$endpoint"
      pings "$starter" 10 "10.9.0.${number[$other]}"
      expect_ten_pings "$starter" "$other"
      expect_answer "$other" "fd09::${number[$starter]}"
    done
  done
done

note "streams and datagrams, both ways, both families"
for inner in 10.9.0. fd09::; do
  stream l r "${inner}2" 400000
  stream r l "${inner}1" 400000
  datagrams l r "${inner}2"
  datagrams r l "${inner}1"
done
iperf_server r
iperf l 10.9.0.2 -n 1M -P 4

note "a persistent keepalive begins at once, at either end"
for pair in "l r" "r l"; do
  read -r node other <<<"$pair"
  before=$(rx_bytes "$other" "$node")
  wg_set "$node" peer "$(public_key "$other")" persistent-keepalive 600
  await_received "$other" "$node" $((before + 32)) 3 "a keepalive of $node ($(name_of "$node"))"
done

note "a new private key, at either end: a new handshake at once"
make_keys other
wg_set l peer "$(public_key r)" remove peer "$(public_key other)" allowed-ips 10.9.0.2/32,fd09::2/128
wg_set r private-key "$work/other.key"
expect_answer r 10.9.0.1 -w 3
handshake_done l other || fail "l ($(name_of l)) shows no handshake with r's new key"
cp "$work/other.pub" "$work/r.pub"
make_keys other
wg_set r peer "$(public_key l)" remove peer "$(public_key other)" allowed-ips 10.9.0.1/32,fd09::1/128
wg_set l private-key "$work/other.key"
expect_answer l fd09::2 -w 3
handshake_done r other || fail "r ($(name_of r)) shows no handshake with l's new key"

note "all sizes, and inner fragments"
for size in 0 1 15 16 17 1391 1392 4000; do pings l 1 10.9.0.2 "$size"; done
for size in 0 1371 1372 4000; do pings r 1 fd09::1 "$size"; done
unexpected=$(grep dropped "$work/r.log" | grep -v unknown_receiver) # sealed for a session that was just forgotten
[ -z "$unexpected" ] || fail "drops at r: $unexpected"
note "ok"
