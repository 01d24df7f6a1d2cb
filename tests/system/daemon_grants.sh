#!/bin/bash
# A network with a key, of real daemons: `starling grant` makes it, members find each other, a stranger stays out, what is not
# granted is not installed, and grants and revocations that are handed to one member reach them all.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/system/daemon_lib.sh" || exit 1
need_root
need_command wg wireguard-tools
need_command jq
starling=$BIN/starling
ask() { "$starling" --control "$work/$1.sock" "${@:2}"; }
node_id() { key "$1" | "$starling" pubkey --node; }

note "the owner's key, and grants for a, b and c"
(umask 077; "$starling" grant keygen >"$work/network.key") || fail "keygen"
network_key=$("$starling" grant pubkey <"$work/network.key") || fail "pubkey"
[[ $network_key =~ ^[A-Za-z0-9+/]{43}=$ ]] || fail "network key: $network_key"
# sign NODE PREFIX...
sign() {
  local node=$1; shift
  "$starling" grant sign -k "$work/network.key" --node "$(node_id "$node")" "${@/#/--prefix=}" 2>"$work/sign.txt" || fail "sign: $(cat "$work/sign.txt")"
}

# a - b - c, and d, which has no grant, at b. c announces more than it may.
for n in a b c d; do ns_add $n; forwarding $n; done
veth a b 192.0.2.1/30 192.0.2.2/30
veth b c 192.0.2.5/30 192.0.2.6/30
veth b d 192.0.2.9/30 192.0.2.10/30
# member NAME JSON GRANT...
member() {
  local grants; grants=$(printf '%s\n' "${@:3}" | jq -R . | jq -cs 'map(select(. != ""))')
  node "$1" "$(jq -c --arg key "$network_key" --argjson grants "$grants" '. + {network_key: $key, grants: $grants}' <<<"$2")"
}
grant_a=$(sign a 10.1.0.1/32)
member a '{"addresses": ["10.1.0.1/32"], "peers": [{"pub": "b", "endpoint": "192.0.2.2:7000"}]}' "$grant_a"
member b '{"addresses": ["10.1.0.2/32"], "peers": [{"pub": "a"}, {"pub": "c"}, {"pub": "d"}]}' "$(sign b 10.1.0.2/32)"
member c '{"addresses": ["10.1.0.3/32"], "announce": ["10.77.0.0/16", "10.78.1.0/24"], "peers": [{"pub": "b", "endpoint": "192.0.2.5:7000"}]}' \
  "$(sign c 10.1.0.3/32 '10.78.0.0/16{16,24}')"
member d '{"addresses": ["10.1.0.4/32"], "peers": [{"pub": "b", "endpoint": "192.0.2.9:7000"}]}'
[[ $("$starling" grant request "$work/c.json") == "starling grant sign --key NETWORK-KEY-FILE --node $(node_id c) --prefix 10.1.0.3/32 --prefix 10.77.0.0/16 --prefix 10.78.1.0/24" ]] ||
  fail "request: $("$starling" grant request "$work/c.json")"
"$starling" grant show --network-key "$network_key" <<<"$grant_a" | grep -q "node $(node_id a) is a member and may announce 10.1.0.1/32, until .*: signed by that key" ||
  fail "show: $("$starling" grant show --network-key "$network_key" <<<"$grant_a")"
for n in a b c d; do run $n; done

note "members reach each other, and what is not granted is not installed"
wait_for 20 "a reaches c" pings a 10.1.0.3
wait_for 5 "a has the prefix that c is granted" has_route a 10.78.1.0/24
has_route a 10.77.0.0/16 && fail "a installed what is not granted"
shows '^10\.77\.0\.0/16 .* refused +not_granted' ask a show routes || fail "routes of a: $(ask a show routes)"
shows '10\.77\.0\.0/16 \(not_granted\)' ask a show lsdb || fail "lsdb of a: $(ask a show lsdb)"
wait_for 5 "a names it in its log" has_event a route.refused '.prefix == "10.77.0.0/16" and .origin == "c" and .reason == "not_granted"'
shows '^10\.77\.0\.0/16 .* own +not granted to c' ask c show routes || fail "c does not see it of its own: $(ask c show routes)"

note "the stranger stays out, and both sides say why"
wait_for 10 "b tells of the stranger" has_event b lsa.reject ".reason == \"no_grant\" and .node_id == \"$(node_id d)\""
shows 'not Full: it has no grant of our network' ask b show neighbors || fail "neighbors of b: $(ask b show neighbors)"
has_event d grant.missing || fail "d does not say that it has no grant"
shows '^granted +no: ' ask d show status || fail "status of d: $(ask d show status)"
[ "$(ask a show lsdb --json | jq 'map(.node) | unique | length')" = 3 ] || fail "a knows of others than members: $(ask a show lsdb)"
[ "$(ask d show lsdb --json | jq -c 'map(.origin) | unique')" = '["b","d"]' ] || fail "the stranger learns of the network: $(ask d show lsdb)"
has_route a 10.1.0.4 && fail "a leads to the stranger"

note "a grant that is handed to a lets d in, everywhere"
sign d 10.1.0.4/32 >"$work/d.grant"
ask a grant publish "$work/d.grant" >/dev/null || fail "publish"
wait_for 5 "c reaches d" pings c 10.1.0.4
shows "$(node_id d | cut -c1-8) +d +member" ask c show grants || fail "grants of c: $(ask c show grants)"

note "what is no grant of this network is refused, with the reason"
(umask 077; "$starling" grant keygen >"$work/other.key")
"$starling" grant sign -k "$work/other.key" --node "$(node_id d)" >"$work/other.grant" 2>/dev/null
ask a grant publish "$work/other.grant" 2>"$work/error"
[ $? = 1 ] && grep -q "is not signed by this network's key" "$work/error" || fail "another network's: $(cat "$work/error")"
"$starling" grant sign -k "$work/network.key" --node "$(node_id d)" --serial 1 >"$work/old.grant" 2>/dev/null
ask a grant publish "$work/old.grant" 2>"$work/error"
[ $? = 1 ] && grep -q "a newer grant for node .* is here" "$work/error" || fail "an older one: $(cat "$work/error")"

note "a revocation that is handed to a ends c's membership, everywhere"
"$starling" grant revoke -k "$work/network.key" --node "$(node_id c)" 2>/dev/null | ask a grant publish >/dev/null || fail "revoke"
wait_for 5 "a has no route to c" has_no_route a 10.1.0.3
wait_for 5 "b does not hold c for Full" eval "ask b show neighbors --json | jq -e '.[] | select(.name == \"c\") | .state == \"Exchange\"' >/dev/null"
pings d 10.1.0.1 || fail "d lost a meanwhile"
stop c || fail "c ended badly"
run c
wait_for 20 "the restarted c is heard by b" has_event b lsa.reject ".reason == \"no_grant\" and .node_id == \"$(node_id c)\""
has_route a 10.1.0.3 && fail "c came back with its old grant"

note "a clean end"
for n in a b c d; do stop $n || fail "$n ended with status $?"; done
exit 0
