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
none_failed l r
for offload in tun-tso tun-gro udp-gso udp-gro; do [[ " ${present[*]} " = *" $offload "* ]] || fail "$offload is not at work"; done

for off in "${!sign[@]}"; do
  note "without $off"
  tunnels 4 "" "" --without "$off"
  carry l r 4
  carry r l 6
  none l "${sign[$off]}"
  for offload in "${present[@]}"; do [ "$offload" = "$off" ] || some l "${sign[$offload]}"; done
  none_failed l r
  not_warned l
  no_drops l r
done

note "without any at l, with all at r"
tunnels 6 "" "" --without all
carry l r 6
carry r l 4
[ -z "$(ls "$work/counts/l")" ] || fail "used: $(ls "$work/counts/l")"
some r gso_sent.2001:db8:1::1
none_failed r
not_warned l
no_drops l r

note "without any at both, as the environment says"
export STARLING_WITHOUT=all
tunnels 4 "" ""
for family in 4 6; do
  carry l r $family
  carry r l $family
done
used=$(find "$work/counts/l" "$work/counts/r" -type f)
[ -z "$used" ] || fail "used: $used"
not_warned l
not_warned r
no_drops l r
note "ok"
