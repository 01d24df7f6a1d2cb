#!/bin/bash
# A build without libipsec-mb, as on processors that it does not know or machines that do not have it: libsodium encrypts in its place, and passes the
# same tests.
. "$SOURCE_DIR/tests/lib.sh" || exit 1
need_command ldd libc-bin

# configure OPTION...: into $work/build; afterwards libipsec-mb is not to be used
configure() {
  cmake -S "$SOURCE_DIR" -B "$work/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo "$@" >"$work/configure.log" 2>&1 || fail "cmake $*"
  grep -qx 'STARLING_IPSEC_MB:BOOL=OFF' "$work/build/CMakeCache.txt" || fail "cmake $*: libipsec-mb is used"
}
note "a machine that does not have it does without by itself"
configure -DIPSEC_MB_LIBRARY=OFF
rm -rf "$work/build"

note "one that has it, when told so"
configure -DSTARLING_IPSEC_MB=OFF
cmake --build "$work/build" --parallel 2 --target wg_crypto_test >"$work/build.log" 2>&1 || fail "it does not build"
program=$(find "$work/build" -name wg_crypto_test -type f)
[ -x "$program" ] || fail "there is no wg_crypto_test"
ldd "$program" >"$work/libraries" || fail "ldd $program"
grep -q libsodium "$work/libraries" || fail "not linked with libsodium: $(cat "$work/libraries")"
grep -q IPSec_MB "$work/libraries" && fail "linked with libipsec-mb"

note "the tests of the ciphers"
"$program" --source-file='*/aead_test.cpp' >"$work/aead.log" 2>&1 || fail "they fail: $(tail -n 3 "$work/aead.log")"
# How many cases there are says the source.
cases=$(grep -c '^TEST_CASE' "$SOURCE_DIR/tests/unit/wg/aead_test.cpp")
grep -qE "test cases: +$cases \| +$cases passed" "$work/aead.log" || fail "not all $cases were run: $(tail -n 3 "$work/aead.log")"
"$program" >"$work/all.log" 2>&1 || fail "the whole program fails: $(tail -n 3 "$work/all.log")"
note "ok: $(tail -n 3 "$work/aead.log" | head -n 1)"
