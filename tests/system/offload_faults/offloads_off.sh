#!/usr/bin/env bash
# Each offload switched off by hand, and all of them: it is not used, the others are, and all traffic is carried whole, both ways
# and over both families.
. "$SOURCE_DIR/tests/system/offload_faults/lib.sh" || exit 1
make_underlay

# What each does while it is on, as the shim counts it at l.
declare -A sign=([tun-tso]=tun_read.tcp [tun-uso]=tun_read.udp [tun-gro]=tun_written.tcp [tun-ugro]=tun_written.udp
  [udp-gso]=gso_sent.192.0.2.2 [udp-gro]=gro_received)

note "none is off: which this kernel has"
tunnels 4 "" ""
carry l r 4
carry r l 4
present=()
for offload in "${!sign[@]}"; do
  if [ "$(counted l "${sign[$offload]}")" -gt 0 ]; then present+=("$offload"); else note "not here: $offload"; fi
done
for offload in tun-tso tun-gro udp-gso udp-gro; do [[ " ${present[*]} " = *" $offload "* ]] || fail "$offload is not at work"; done

for off in "${!sign[@]}"; do
  note "without $off"
  tunnels 4 "" "" --without "$off"
  carry l r 4
  carry r l 6
  none l "${sign[$off]}"
  for offload in "${present[@]}"; do [ "$offload" = "$off" ] || some l "${sign[$offload]}"; done
  not_warned l
  no_drops l r
done

for underlay in 4 6; do
  note "without all of them, over IPv$underlay"
  tunnels $underlay "" "" --without all
  for family in 4 6; do
    carry l r $family
    carry r l $family
  done
  [ -z "$(ls "$work/counts/l" "$work/counts/r" | grep -v :)" ] || fail "used: $(ls "$work/counts/l" "$work/counts/r")"
  not_warned l
  no_drops l r
done

note "the environment says the same"
export STARLING_WITHOUT=udp-gso,tun-tso
tunnels 4 "" ""
carry l r 4
none l gso_sent.192.0.2.2
none l tun_read.tcp
some l gro_received
note "ok"
