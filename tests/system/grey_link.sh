#!/bin/bash
# A link whose Hellos pass and whose data does not: found, named with what would help, avoided, and used again once it is
# mended. Three daemons that measure their links; the direct way from a to b swallows first what is large, then all data.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
need_command nft nftables
starling=$BIN/starling

for n in a b c; do ns_add $n; forwarding $n; done
veth a b 192.0.2.1/30 192.0.2.2/30
veth a c 192.0.2.5/30 192.0.2.6/30
veth b c 192.0.2.9/30 192.0.2.10/30
common='"metric": "rtt", "path_probe_s": 1'
node a '{"addresses": ["10.1.0.1/32"], '"$common"', "peers": [{"pub": "b", "endpoint": "192.0.2.2:7000"}, {"pub": "c", "endpoint": "192.0.2.6:7000"}]}'
node b '{"addresses": ["10.1.0.2/32"], '"$common"', "peers": [{"pub": "a", "endpoint": "192.0.2.1:7000"}, {"pub": "c", "endpoint": "192.0.2.10:7000"}]}'
node c '{"addresses": ["10.1.0.3/32"], '"$common"', "peers": [{"pub": "a", "endpoint": "192.0.2.5:7000"}, {"pub": "b", "endpoint": "192.0.2.9:7000"}]}'
for n in a b c; do run $n; done

show() { "$starling" show "$2" --json --control "$work/$1.sock"; }
goes_by() { show "$1" routes | jq -e --arg prefix "$2" --arg hop "$3" '.[] | select(.prefix == $prefix) | .next_hops == [$hop]' >/dev/null; }
link_is() { show a neighbors | jq -e ".[] | select(.name == \"b\") | $1" >/dev/null; }
carries_full_size() { in_ns a ping -q -c 1 -W 1 -M do -s 1392 10.1.0.2 >/dev/null; } # 1420 bytes in all

wait_for 20 "a reaches b by itself" goes_by a 10.1.0.2/32 b
wait_for 20 "c is there" goes_by a 10.1.0.3/32 c
wait_for 5 "full-size packets pass" carries_full_size
link_is '.state == "Full" and .grey == null and .manual == false and .cost >= 1000 and .cost < 500000' ||
  fail "the measured link: $(show a neighbors)"

note "datagrams of more than 1350 bytes vanish on their way to b"
in_ns b nft -f - <<'END' || fail "nft"
table ip hole {
  chain input {
    type filter hook input priority 0
    iifname "to-a" udp length > 1350 counter drop
  }
}
END
wait_for 15 "a finds that the link is grey" has_event a link.grey '.neighbor == "b" and .reason == "full_size_lost" and .level == "warning"'
wait_for 5 "a goes round by c" goes_by a 10.1.0.2/32 c
wait_for 5 "b goes round by c too" goes_by b 10.1.0.1/32 c
carries_full_size || fail "full-size packets do not pass round by c"
link_is '.state == "Full" and .grey == "full_size_lost" and .cost == 16777215' || fail "the link: $(show a neighbors)"
# 1350 less the headers of UDP and WireGuard: 1310, and of what WireGuard pads to 16 bytes 1296
wait_for 30 "a knows what passes" has_event a link.grey '.carried_bytes == 1296 and (.hint | contains("\"mtu\": 1296"))'
"$starling" show neighbors --control "$work/a.sock" >"$work/neighbors.txt"
grep -q 'last resort' "$work/neighbors.txt" && grep -q 'grey: full_size_lost: packets of up to 1296 bytes pass' "$work/neighbors.txt" ||
  fail "show neighbors: $(cat "$work/neighbors.txt")"
has_event a neighbor.state '.neighbor == "b" and .from == "Full"' && fail "a has lost b meanwhile"

note "mended: it is used again after a while"
in_ns b nft delete table ip hole
wait_for 40 "the link has healed" has_event a link.healed '.neighbor == "b" and .reason == "full_size_lost"'
wait_for 5 "a reaches b by itself again" goes_by a 10.1.0.2/32 b
link_is '.grey == null and .cost < 500000' || fail "the healed link: $(show a neighbors)"

note "a filter that lets through what is marked as urgent, and no data"
in_ns b nft -f - <<'END' || fail "nft"
table ip hole {
  chain input {
    type filter hook input priority 0
    iifname "to-a" ip dscp != cs6 udp dport 7000 counter drop
  }
}
END
wait_for 15 "a finds that data does not pass" has_event a link.grey '.neighbor == "b" and .reason == "data_lost"'
wait_for 5 "a goes round by c" goes_by a 10.1.0.2/32 c
carries_full_size || fail "data does not pass round by c"
exit 0
