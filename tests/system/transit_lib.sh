# Shared by the tests of transit: three daemons in a line, a - b - c, and a host h behind b. Source after daemon_lib.sh.
# c announces 10.9.0.0/16 and fd09::/32 and answers for every address there; h answers with another TTL, so that the TTL of an answer tells who gave
# it: 63 is c's (b is passed once), 99 is h's, 64 is b's own.

transit_line() {
  local n
  for n in a b c h; do ns_add $n; done
  veth a b 192.0.2.1/30 192.0.2.2/30
  veth b c 198.51.100.1/30 198.51.100.2/30
  veth b h 10.9.5.1/24 10.9.5.2/24 fd09:0:5::1/64 fd09:0:5::2/64
  in_ns h sysctl -qw net.ipv4.ip_default_ttl=100 net.ipv6.conf.all.hop_limit=100 net.ipv6.conf.default.hop_limit=100 \
    net.ipv6.conf.to-b.hop_limit=100
  in_ns h ip route add default via 10.9.5.1
  in_ns h ip -6 route add default via fd09:0:5::1
  in_ns c ip route add local 10.9.0.0/16 dev lo
  in_ns c ip -6 route add local fd09::/32 dev lo
  kernel_forwards 0
  node a '{"addresses": ["10.1.0.1/32", "fd01::1/128"], "mtu": 1440, "peers": [{"pub": "b", "endpoint": "192.0.2.2:7000"}]}'
  transit_node_b '{}'
  node c '{"addresses": ["10.1.0.3/32", "fd01::3/128"], "announce": ["10.9.0.0/16", "fd09::/32"],
           "peers": [{"pub": "b", "endpoint": "198.51.100.1:7000"}]}'
}
# transit_node_b JSON: b's configuration, and what differs.
transit_node_b() {
  node b "$(jq -n --argjson more "$1" '{addresses: ["10.1.0.2/32", "fd01::2/128"], mtu: 1400,
    peers: [{pub: "a", endpoint: "192.0.2.1:7000"}, {pub: "c", endpoint: "198.51.100.2:7000"}]} + $more')"
}
# kernel_forwards 0|1: b's kernel, in both families.
kernel_forwards() { in_ns b sysctl -qw net.ipv4.ip_forward="$1" net.ipv6.conf.all.forwarding="$1"; }

# answered_by TTL ADDRESS: a's ping to ADDRESS is answered with this TTL.
answered_by() { shows "ttl=$1 " in_ns a ping -n -c 1 -W 1 "$2"; }
show_transit() { "$BIN/starling" show transit --json --control "$work/b.sock"; }
# transit_is JQ CONDITION
transit_is() { jq -e "$1" <<<"$(show_transit)" >/dev/null; }
punts() { jq '[.families[].punts[]] | length' <<<"$(show_transit)"; }
