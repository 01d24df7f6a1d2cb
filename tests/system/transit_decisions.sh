#!/bin/bash
# For every destination the engine decides as the kernel does: after any sequence of changes to routes, addresses, next hops, rules and links, of which the
# kernel tells in its own ways, `ip route get` for a packet that comes out of the tunnel is asked, and compared.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/transit_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command python3

transit_line
kernel_forwards 1
for n in b a c; do run $n; done
wait_for 20 "a reaches c over IPv4" answered_by 63 10.1.0.3
wait_for 20 "a reaches c over IPv6" answered_by 63 fd01::3
"$SOURCE_DIR/tests/system/transit_decisions.py" "$(ns b)" "$BIN/starling" "$work/b.sock" || fail "the engine decides otherwise"
has_event b transit.slow && fail "the fast path was switched off: $(grep transit.slow "$work/b.log")"
exit 0
