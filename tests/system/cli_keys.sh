#!/bin/bash
# `starling keygen` and `starling pubkey` make and read the keys that `wg` makes and reads.
. "$SOURCE_DIR/tests/lib.sh"
need_command wg wireguard-tools
starling=$BIN/starling

for _ in 1 2 3 4 5 6 7 8; do
  key=$("$starling" keygen) || fail "keygen: status $?"
  [ "$(printf '%s\n' "$key" | "$starling" pubkey)" = "$(printf '%s\n' "$key" | wg pubkey)" ] || fail "another public key than wg's"
  other=$(wg genkey)
  [ "$(printf '%s' "$other" | "$starling" pubkey)" = "$(printf '%s' "$other" | wg pubkey)" ] || fail "another public key than wg's"
done
[ "$("$starling" keygen)" != "$("$starling" keygen)" ] || fail "two keys are the same"
# Clamped as RFC 7748 says: reading the low three bits and the top two of the scalar.
bytes=$("$starling" keygen | base64 -d | od -An -tu1 -v | tr -s ' \n' ' ')
set -- $bytes
[ $(($1 & 7)) = 0 ] && [ $((${32} & 192)) = 64 ] || fail "not clamped: $bytes"
note "keys are wg's"

for bad in "" "x" "$(head -c 32 /dev/zero | base64)x" "$(head -c 31 /dev/zero | base64)"; do
  out=$(printf '%s\n' "$bad" | "$starling" pubkey 2>"$work/error"); status=$?
  [ $status = 2 ] && [ -z "$out" ] && grep -q "44 characters of base64" "$work/error" || fail "pubkey takes '$bad': status $status"
done
note "what is no key is refused"

(umask 022; "$starling" keygen >"$work/open" 2>"$work/error")
grep -q "everybody on this machine may read" "$work/error" || fail "no warning about a file that all may read"
(umask 077; "$starling" keygen >"$work/closed" 2>"$work/error")
[ ! -s "$work/error" ] || fail "a warning without cause: $(cat "$work/error")"
note "a key that all may read is warned of"
