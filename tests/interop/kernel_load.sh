#!/usr/bin/env bash
# kernel_load.sh: initiations with a good mac1 arrive faster than they can be answered. Whoever is under load answers with cookies,
# and the other gets in with mac2: the kernel (l) into starling-wg (r), and the other way round. In
# tests/interop/kernel_guest.sh, or on a host whose kernel has WireGuard.
. "$SOURCE_DIR/tests/interop/wg_conformance_lib.sh" || exit 1
need_command nft nftables
need_command socat
tunnel kernel starling
# record_initiation FROM TO: one that TO takes for genuine is in $work/initiation; TO itself does not get it
record_initiation() {
  start recorder ip netns exec "$(ns "$2")" timeout 30 socat -u -b 2048 -dd UDP4-RECVFROM:4999 "CREATE:$work/initiation"
  local recorder=$!
  wait_for 10 "the recorder listens" grep -q "receiving on" "$work/recorder.log"
  afresh "$1" "$2" preshared-key "$work/psk" endpoint "192.0.2.${number[$2]}:4999" persistent-keepalive 600
  wait "$recorder" || fail "no initiation of $1 came"
  [ "$(wc -c <"$work/initiation")" = 148 ] || fail "$1 sent $(wc -c <"$work/initiation") bytes, no initiation"
}
# flood FROM TO: bursts of the recorded initiation, from another port, until it is ended; the pid is in $flood
flood() {
  local i
  cp "$work/initiation" "$work/burst"
  for i in 1 2 3 4 5 6 7 8 9 10 11; do cat "$work/burst" "$work/burst" >"$work/twice"; mv "$work/twice" "$work/burst"; done
  # shellcheck disable=SC2016
  start flood ip netns exec "$(ns "$1")" bash -c \
    'while socat -u -b 148 "OPEN:$1" "UDP4-SENDTO:$2,sourceport=4666,reuseaddr"; do sleep 0.1; done' \
    flood "$work/burst" "$(endpoint_of "$2")"
  flood=$!
}
for pair in "l r" "r l"; do
  read -r honest loaded <<<"$pair"
  note "$(name_of "$loaded") under load, $(name_of "$honest") gets in"
  record_initiation "$honest" "$loaded"
  afresh "$loaded" "$honest" preshared-key "$work/psk"
  count "$honest" cookies_to_flood input udp dport 4666 udp length 72
  count "$honest" cookies_to_honest input udp dport "${port[$honest]}" udp length 72
  flood "$honest" "$loaded"
  await_count "$honest" cookies_to_flood 1 30 "cookies for the flood"
  # Load comes and goes with the bursts; where an initiation found none, once more.
  for try in 1 2 3 4 5 6 7 8 9 10; do
    afresh "$honest" "$loaded" preshared-key "$work/psk" endpoint "$(endpoint_of "$loaded")" persistent-keepalive 600
    wait_for 60 "a handshake of $honest under load" handshake_done "$honest" "$loaded"
    [ "$(counted "$honest" cookies_to_honest)" = 0 ] || break
  done
  note "$(counted "$honest" cookies_to_flood) cookies for the flood, $(counted "$honest" cookies_to_honest) for $honest, in with try $try"
  [ "$(counted "$honest" cookies_to_honest)" -ge 1 ] || fail "$honest got in $try times without a cookie: there was no load"
  kill "$flood"
  in_ns "$honest" nft delete table inet test
  expect_answer "$honest" "10.9.0.${number[$loaded]}"
  expect_answer "$loaded" "fd09::${number[$honest]}"
done
grep -q "dropped .*cookie_required" "$work/r.log" || fail "r does not name what it asked cookies for"
note "ok"
