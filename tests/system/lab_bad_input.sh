#!/bin/bash
# Bad topologies are refused with file, JSON pointer and what would be right; exit status 2; and nothing is made.
. "$SOURCE_DIR/tests/lib.sh"
. "$SOURCE_DIR/tests/system/lab_lib.sh"
name=bad-$$
file=$work/$name.json
before=$(ls /run/starling-lab 2>/dev/null; ip netns list 2>/dev/null)

# refused WHAT CONTENT EXPECTED...: every EXPECTED is part of what is said, by `check` and by `run` alike.
refused() {
  local what=$1 words command; printf '%s' "$2" >"$file"; shift 2
  for command in check run; do
    "$BIN/starling-lab" "$command" "$file" >"$work/output" 2>"$work/said"
    [ $? = 2 ] || fail "$command: $what: the exit status is not 2: $(cat "$work/said")"
    [ -s "$work/output" ] && fail "$command: $what: something on standard output: $(cat "$work/output")"
    for words in "$file: " "$@"; do
      grep -qF -- "$words" "$work/said" || fail "$command: $what: \"$words\" is not said, but: $(cat "$work/said")"
    done
  done
}
nodes='"nodes": {"a": {}, "b": {}, "c": {}}, "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "c"]}]'
refused 'no JSON' $'{\n "nodes": }' 'line 2, column 11'
refused 'an unknown key' "{$nodes, \"evnts\": []}" '/evnts: ' 'did you mean "events"'
refused 'a link to an unknown node' '{"nodes": {"a": {}}, "links": [{"nodes": ["a", "z"]}]}' '/links/0/nodes/1: ' 'there is no node "z"'
refused 'a bad override' '{"nodes": {"a": {"mtu": 12}}, "links": []}' '/nodes/a/mtu: ' '1280'
refused 'an unknown override' '{"nodes": {"a": {"trasit": true}}, "links": []}' '/nodes/a/trasit: ' '"transit"'
refused 'an event on no link' "{$nodes, \"events\": [{\"at_ms\": 1, \"cut\": [\"a\", \"c\"]}]}" '/events/0/cut: ' 'no link a–c'
refused 'an expectation of no probe' "{$nodes, \"expect\": [{\"max_outage_ms\": 1, \"probe\": [\"a\", \"c\"]}]}" '/expect/0/probe: ' 'no probe'
refused 'several errors' '{"nodes": {"a": {"mtu": 1}}, "links": [{"nodes": ["a"]}], "x": 1}' '/nodes/a/mtu' '/links/0/nodes' '/x'

"$BIN/starling-lab" run no-such-topology 2>"$work/said"
[ $? = 2 ] || fail "a topology that does not exist: wrong exit status"
grep -q 'no-such-topology' "$work/said" || fail "it does not name what was not found"
"$BIN/starling-lab" run 2>/dev/null
[ $? = 2 ] || fail "no argument: wrong exit status"
"$BIN/starling-lab" frobnicate 2>/dev/null
[ $? = 2 ] || fail "an unknown command: wrong exit status"

[ "$(ls /run/starling-lab 2>/dev/null; ip netns list 2>/dev/null)" = "$before" ] || fail "a refused topology left something"
for shipped in "$SOURCE_DIR"/topologies/*.json; do
  case $shipped in *.schema.json) continue ;; esac
  "$BIN/starling-lab" check "$shipped" >/dev/null || fail "$shipped is refused"
  "$BIN/starling-lab" list | found "^$(basename "$shipped" .json) " || fail "$shipped is not listed"
done
