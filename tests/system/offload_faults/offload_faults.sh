#!/usr/bin/env bash
# Each offload that a kernel, a device or a path does not have, or has broken: all traffic goes on whole, one warning names
# what is switched off, and nothing else is.
. "$SOURCE_DIR/tests/system/offload_faults/lib.sh" || exit 1
make_underlay

note "nothing fails: every offload is at work, or the rest of this shows nothing"
tunnels 4 6 ""
buffers=$(in_ns l ss -Hulmn 'sport = :4001') # of both families; what is asked for, 7 MiB, is doubled by the kernel
[ "$(grep -c 'rb14680064,.*tb14680064,' <<<"$buffers")" = 2 ] || fail "the sockets' buffers are small: $buffers"
carry l r 4
carry r l 6
carry l m 4
for what in gso_sent.192.0.2.2 gso_sent.2001:db8:2::2 gro_received tun_read.tcp tun_written.tcp; do some l "$what"; done
for what in gso_sent.192.0.2.1 gro_received tun_read.tcp tun_written.tcp; do some r "$what"; done
uso=yes
[ "$(counted l tun_read.udp)" -gt 0 ] || uso=no
if [ $uso = yes ]; then some r tun_written.udp; not_warned l; not_warned r; else note "this kernel's TUN has no USO"; fi
none_failed l r m
no_drops l r m

# switched_off FAULT: EIO over IPv4, then only m, over IPv6, is sent to in runs
switched_off() {
  tunnels 4 6 "$1"
  carry l r 4
  carry l m 6
  carry r l 4
  warned l "UDP segmentation offload over IPv4: Input/output error; switched off"
  some l gso_refused.192.0.2.2
  none l gso_sent.192.0.2.2
  some l gso_sent.2001:db8:2::2
  some r gso_sent.192.0.2.1
  no_drops l r m
}
note "EIO for every run over IPv4, as of a device that cannot sum"
switched_off gso_send=EIO,family=4
note "EIO for the first run alone: it is not tried again"
switched_off gso_send=EIO,family=4,count=1
[ "$(counted l gso_refused.192.0.2.2)" = 1 ] || fail "refused $(counted l gso_refused.192.0.2.2) times"
note "and over IPv6, with IPv4 going on"
tunnels 6 4 gso_send=EIO,family=6
carry l r 6
carry l m 4
warned l "UDP segmentation offload over IPv6: Input/output error; switched off"
none l gso_sent.2001:db8:1::2
some l gso_sent.198.51.100.2
no_drops l r m

for error in EMSGSIZE EINVAL; do
  note "$error for runs to one destination, as of a path with a small MTU: others keep them, and there is nothing to warn of"
  tunnels 4 4 "gso_send=$error,to=192.0.2.2"
  carry l r 4
  carry l m 6
  some l gso_refused.192.0.2.2
  none l gso_sent.192.0.2.2
  some l gso_sent.198.51.100.2
  not_warned l
  no_drops l r m
done

note "the same over IPv6"
tunnels 6 4 gso_send=EMSGSIZE,to=2001:db8:1::2
carry l r 6
carry l m 4
some l gso_refused.2001:db8:1::2
none l gso_sent.2001:db8:1::2
some l gso_sent.198.51.100.2
not_warned l
no_drops l r m

note "and a path that really has one: the kernel itself refuses"
in_ns l ip route replace 192.0.2.0/24 dev to-r src 192.0.2.1 mtu 1000
tunnels 4 4 ""
carry l r 4
carry l m 6
carry r l 4
some l gso_failed.192.0.2.2
some l gso_sent.198.51.100.2
not_warned l
no_drops l r m
in_ns l ip route replace 192.0.2.0/24 dev to-r src 192.0.2.1

note "which is not for ever: once the path is wide again, runs are sent there again"
narrow=$(counted l gso_sent.192.0.2.2)
carry l r 4
[ "$(counted l gso_sent.192.0.2.2)" -gt "$narrow" ] || fail "no run was sent since"
no_drops l r m

note "a TUN that does not take what is joined"
tunnels 4 "" tun_write=EINVAL,kind=tcp
carry r l 4
carry l r 6
some l tun_refused.tcp
none l tun_written.tcp
warned l "TCP receive offload of the interface $(wg_interface l): Invalid argument; switched off"
[ $uso = no ] || some l tun_written.udp
no_drops l r
if [ $uso = yes ]; then
  tunnels 4 "" tun_write=EINVAL,kind=udp
  carry r l 6
  some l tun_refused.udp
  none l tun_written.udp
  some l tun_written.tcp
  warned l "UDP receive offload of the interface $(wg_interface l): Invalid argument; switched off"
  no_drops l r
fi

note "a kernel without UDP_GRO"
tunnels 4 "" setsockopt=UDP_GRO
carry r l 4
some l option_refused
none l gro_received
some l tun_written.tcp
warned l "UDP receive offload: Protocol not available; not used"
no_drops l r
note "and one whose UDP_GRO is not to be trusted"
tunnels 6 "" release=5.11.0
carry r l 6
none l gro_received
warned l "UDP receive offload: needs Linux 5.12; not used"
no_drops l r
note "a kernel without UDP_SEGMENT"
tunnels 4 "" "setsockopt=UDP_SEGMENT gso_send=EINVAL"
carry l r 4
carry r l 6
some l option_refused
none l gso_refused.192.0.2.2
none l gso_sent.192.0.2.2
some l gro_received
some r gso_sent.192.0.2.1
warned l "UDP segmentation offload: Protocol not available; not used"
no_drops l r

note "a TUN without USO"
tunnels 4 "" tun_offload=uso
carry l r 4
carry r l 6
some l offload_refused
some l tun_read.tcp
none l tun_read.udp
warned l "UDP segmentation offload of the interface $(wg_interface l), both ways: needs Linux 6.2; not used"
no_drops l r
note "a TUN without any"
tunnels 6 "" tun_offload=all
carry l r 6
carry r l 4
none l tun_read.tcp
none l tun_read.udp
warned l "segmentation offload of the interface $(wg_interface l): Invalid argument; not used"
no_drops l r
note "ok"
