#!/usr/bin/env bash
# hostile_peer.sh VICTIM [MIXED INITIATIONS RATE]: an attacker against an engine (VICTIM: starling or go) that carries an honest
# tunnel all the while. First MIXED datagrams (10^6) of garbage, and of captured ones cut short, played back or with a bit
# changed, a quarter of them under the honest end's own address; then INITIATIONS (10^5) with a right mac1 from some 60,000
# addresses, during which another honest end comes up for the first time, which takes a cookie.
#
# Asserted: the honest tunnel goes on with the session it had, the newcomer gets in, the engine's memory does not grow, no
# answer to the attacker is larger than the question, and every single datagram is counted under the reason it was refused
# for. Printed, not asserted: how fast everything was.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
. "$SOURCE_DIR/tests/interop/wg_lib.sh" || exit 1
victim=$1 mixed=${2:-1000000} initiations=${3:-100000} rate=${4:-80000}
need_root
need_command wg wireguard-tools
need_command jq
need_command tcpdump
need_command ping iputils-ping
[ "$victim" = starling ] || need_command wireguard-go

memory_growth_max_kib=1024
loss_max_percent=50     # of the honest tunnel, with sender, victim and attacker on the same processors
silence_max_ms=3000     # longest time without an answer through it
newcomer_max_s=20       # two tries of REKEY_TIMEOUT and then some

# --- the networks: v (victim), h (honest), n (newcomer), a (attacker) ---
for node in v h n a; do ns_add "$node"; done
{
  veth v h 192.0.2.1/24 192.0.2.2/24
  veth v n 192.0.3.1/24 192.0.3.2/24
  veth v a 198.51.100.1/24 198.51.100.2/24
} 2>/dev/null # ip warns that IPv4 knows no nodad
ip -n "$(ns h)" route add default via 192.0.2.1
ip -n "$(ns n)" route add default via 192.0.3.1
# The attacker has a network of its own and writes the honest end's address as well as its own; the victim takes both.
ip -n "$(ns a)" route add 192.0.2.1 via 198.51.100.1
ip -n "$(ns a)" route add local 10.66.0.0/16 dev lo
ip -n "$(ns a)" route add local 192.0.2.2 dev lo
ip -n "$(ns v)" route add 10.66.0.0/16 via 198.51.100.2
in_ns v sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.to-a.rp_filter=0

make_keys v h n
write_config v 4001 <<END
[Peer]
PublicKey = $(cat "$work/h.pub")
AllowedIPs = 10.9.0.2/32
[Peer]
PublicKey = $(cat "$work/n.pub")
AllowedIPs = 10.9.0.3/32
END
for node in h n; do
  write_config $node 4002 <<END
[Peer]
PublicKey = $(cat "$work/v.pub")
Endpoint = 192.0.2.1:4001
AllowedIPs = 10.9.0.1/32
END
done

# --- what is measured ---
engine_memory() { awk '/^(Rss|Private_Dirty):/ { printf "%s%s", sep, $2; sep = " " } END { print "" }' "/proc/${wg_pid[v]}/smaps_rollup"; }
engine_cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/${wg_pid[v]}/stat"; }
# All drops of the victim by reason, "REASON COUNT" a line.
drops() {
  [ "$victim" = starling ] || return 0
  in_ns v "$BIN/starling-wg" --drops --json "$(wg_interface v)" |
    jq -r '[.[].drops | to_entries[]] | group_by(.key)[] | "\(.[0].key) \(map(.value) | add)"'
}
# What the kernel dropped on the way to the victim's socket, when it had no time for the line.
line_drops() { in_ns v cat /sys/class/net/to-a/statistics/rx_dropped; }
# since BEFORE AFTER REASON[|REASON]: how many more.
since() {
  awk -v wanted="|$3|" '{ if (index(wanted, "|" $1 "|")) sum += FILENAME == ARGV[1] ? -$2 : $2 } END { print sum + 0 }' "$1" "$2"
}
handshakes() { grep -c "handshake complete" "$work/v.log"; }
bulk() { in_ns h timeout 20 "$BIN/honest_traffic" bulk 10.9.0.1 2 || fail "the stream broke: $1"; }
# reading FIFO COMMAND...: to be started in the background, where standard input would else be empty.
reading() { local fifo=$1; shift; exec "$@" <"$fifo"; }
phase() { echo "$1" >&5; }
command_attacker() {
  local before; before=$(grep -c '^done' "$work/attacker.log")
  echo "$*" >&6
  attack_end=$((before + 1))
}
attack_is_over() { [ "$(grep -c '^done' "$work/attacker.log")" -ge "$attack_end" ]; }

# --- before: an honest tunnel, which the attacker listens to from the start ---
wg_up "$victim" v
add_address v 10.9.0.1/24
mkfifo "$work/attacker.in" "$work/probe.in"
exec 5<>"$work/probe.in" 6<>"$work/attacker.in" # both ways, so that opening waits for nobody
start attacker reading "$work/attacker.in" ip netns exec "$(ns a)" "$BIN/hostile_attacker" "$(cat "$work/v.pub")" 192.0.2.1:4001 "$(ns h)" 192.0.2.2
wait_for 5 "the attacker listens" grep -q ready "$work/attacker.log"
wg_up starling h
add_address h 10.9.0.2/24
pings h 5 10.9.0.1
start server ip netns exec "$(ns v)" "$BIN/honest_traffic" serve 10.9.0.1
wait_for 5 "the server listens" grep -q ready "$work/server.log"
note "before: $(bulk before) Mbit/s in one stream"
start probe reading "$work/probe.in" ip netns exec "$(ns h)" "$BIN/honest_traffic" probe 10.9.0.1 200
# Of the stream, a message may have been lost on its way. Played back, it would be new to the victim, and no attack.
echo forget >&6
phase before
sleep 4 # of quiet, to compare with
{ drops; echo "line $(line_drops)"; } >"$work/drops.0"
read -r rss_before private_before <<<"$(engine_memory)"
[ "$victim" = go ] || [ "$(handshakes)" = 1 ] || fail "the honest tunnel needed $(handshakes) handshakes"

# --- first attack ---
# run_attack NAME COMMAND...: while it goes on, one stream for a moment, as a phase of its own.
run_attack() {
  local name=$1 cpu; shift
  cpu=$(engine_cpu_ms)
  phase "$name"
  command_attacker "$@"
  sleep 1 # of attack, before anything else comes
  [ -z "${during:-}" ] || $during
  phase "$name-stream"
  attack_is_over && fail "the attack ended before the stream began: too few datagrams"
  note "$name: $(bulk "$name") Mbit/s in one stream meanwhile"
  phase "$name-rest"
  wait_for 60 "the attack is over" attack_is_over
  note "$name: $(grep '^done' "$work/attacker.log" | tail -n 1); the engine took $(($(engine_cpu_ms) - cpu)) ms of processor time"
}
# sent REASON[|REASON] COUNT of the last attack; EXTRA more initiations that were honest.
list_sent() { tail -n "+$lines" "$work/attacker.log" | awk -v extra="$1" '$1 == "sent" { print $2, $3 + ($2 ~ /^bad_handshake/ ? extra : 0) }'; }
# lost BEFORE AFTER: in the kernel, and so of no known kind.
lost() { echo $(($(since "$1" "$2" receive_overflow) + $(since "$1" "$2" line))); }
# all_counted BEFORE AFTER EXTRA: what the victim counts by now, as AFTER, is all that was sent.
all_counted() {
  local reasons count missing
  { drops; echo "line $(line_drops)"; } >"$2"
  missing=-$(lost "$1" "$2")
  while read -r reasons count; do
    missing=$((missing + count - $(since "$1" "$2" "$reasons")))
  done < <(list_sent "$3")
  [ "$missing" -le 0 ]
}
# check_counts BEFORE AFTER EXTRA: each datagram of the last attack is counted, and for the right reason.
check_counts() {
  [ "$victim" = starling ] || return 0
  local before=$1 after=$2 reasons count counted lost
  wait_for 10 "all datagrams are counted" all_counted "$before" "$after" "$3"
  lost=$(lost "$before" "$after")
  while read -r reasons count; do
    counted=$(since "$before" "$after" "$reasons")
    note "  $reasons: sent $count, counted $counted"
    [ "$counted" -le "$count" ] && [ $((counted + lost)) -ge "$count" ] || fail "$reasons: sent $count, counted $counted, lost in the kernel $lost"
  done < <(list_sent "$3")
  note "  lost in the kernel: $(since "$before" "$after" receive_overflow) in the socket's full queue, $(since "$before" "$after" line) before it"
}

lines=$(($(wc -l <"$work/attacker.log") + 1))
run_attack mixed mixed "$mixed" "$rate"
check_counts "$work/drops.0" "$work/drops.1" 0
read -r rss_mixed private_mixed <<<"$(engine_memory)"

# --- second attack, and an honest newcomer in the middle of it ---
start capture ip netns exec "$(ns n)" tcpdump -U -n -i to-v -w "$work/newcomer.pcap" udp port 4001
wait_for 5 "the newcomer's line is watched" grep -q listening "$work/capture.log"
capture=$!
newcomer_comes() {
  wg_up starling n
  add_address n 10.9.0.3/24
  # One ping, which waits for the handshake: its round trip is the time that the newcomer needed.
  {
    in_ns n ping -q -n -c 1 -W 60 10.9.0.1 >"$work/newcomer.log" 2>&1
    attack_is_over && echo "after the attack" >>"$work/newcomer.log"
  } &
  newcomer=$!
}
during=newcomer_comes
lines=$(($(wc -l <"$work/attacker.log") + 1))
run_attack initiations initiations "$initiations" 6000
wait "$newcomer"
newcomer_ms=$(sed -n 's|^rtt [^=]*= \([0-9]*\)\..*|\1|p' "$work/newcomer.log")
[ -n "$newcomer_ms" ] || fail "the newcomer's ping was not answered"
kill "$capture"
wait "$capture" 2>/dev/null
in_capture() { tcpdump -n -r "$work/newcomer.pcap" "$@" 2>/dev/null | wc -l; }
cookies=$(in_capture 'src 192.0.2.1 and udp[8] == 3')
note "the newcomer got in after $newcomer_ms ms, with $(in_capture 'dst 192.0.2.1 and udp[8] == 1') initiations and $cookies cookies"
check_counts "$work/drops.1" "$work/drops.2" "$cookies"
note "$(grep '^answers' "$work/attacker.log" | tail -n 1)"
read -r rss_after private_after <<<"$(engine_memory)"

# --- after ---
phase after
sleep 2 # of quiet again
phase end
wait_for 10 "the probe ends" grep -q '^phase after ' "$work/probe.log"
grep '^phase' "$work/probe.log" | grep -v '^phase start' | while read -r line; do note "$line"; done
note "memory of the engine, resident and private: $rss_before and $private_before KiB before, $rss_mixed and $private_mixed after the first attack, $rss_after and $private_after after the second"

while read -r _ name _ sent _ answered _ loss _ _ _ _ _ silence; do
  [ "$answered" -gt 0 ] || fail "$name: nothing came through the honest tunnel"
  [ "${loss%.*}" -lt $loss_max_percent ] || fail "$name: $loss % of the honest packets were lost"
  [ "$silence" -lt $silence_max_ms ] || fail "$name: the honest tunnel was silent for $silence ms"
done < <(grep '^phase' "$work/probe.log" | grep -v '^phase start')
read -r answer_bytes sent_bytes <<<"$(sed -n 's/^answers.* \([0-9]*\) bytes to \([0-9]*\) sent/\1 \2/p' "$work/attacker.log" | tail -n 1)"
[ "$answer_bytes" -lt "$sent_bytes" ] || fail "the victim sent $answer_bytes bytes to the attacker for $sent_bytes: an amplifier"
if [ "$victim" = starling ]; then
  [ "$(handshakes)" = 2 ] || fail "$(handshakes) handshakes at the victim, not one of each honest end: $(grep handshake "$work/v.log")"
  [ "$cookies" -ge 1 ] || fail "the newcomer got in without a cookie: the attack put no load on the victim"
  grep -q "after the attack" "$work/newcomer.log" && fail "the newcomer got in only after the attack"
  [ "$newcomer_ms" -lt $((newcomer_max_s * 1000)) ] || fail "the newcomer needed $newcomer_ms ms"
  grep '^answers' "$work/attacker.log" | tail -n 1 | found ' 0 responses, [0-9]* cookie replies, 0 others' ||
    fail "the attacker got more than cookies: $(grep '^answers' "$work/attacker.log" | tail -n 1)"
  [ $((private_after - private_before)) -lt $memory_growth_max_kib ] || fail "the engine's memory grew from $private_before to $private_after KiB"
fi
note "ok"
