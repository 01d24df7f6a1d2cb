#!/bin/bash
# The README's two commands on a Debian 12 that has nothing installed: a debootstrap chroot, a fresh clone, and then
# ./topologies/run diamond and ./tests/run, each also a second time, offline. Takes about half an hour; ./tests/run --long.
. "$SOURCE_DIR/tests/lib.sh"
need_root
need_command debootstrap
need_command git
[ -z "${STARLING_FRESH_MACHINE:-}" ] || skip "this is the fresh machine"

# The mirror that this machine uses itself, with its configuration.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 2>/dev/null | awk '$2 == "bookworm" { print $1; exit }')
[ -n "$mirror" ] || skip "apt knows no bookworm mirror"
fresh=$work/machine

note "debootstrap"
debootstrap --variant=minbase bookworm "$fresh" "$mirror" >"$work/debootstrap.log" 2>&1 || fail "debootstrap"
rm -f "$fresh/etc/apt/sources.list"
cp -a /etc/apt/sources.list /etc/apt/sources.list.d "$fresh/etc/apt/" 2>/dev/null
cp /etc/resolv.conf /etc/hosts "$fresh/etc/" 2>/dev/null
git clone -q "$SOURCE_DIR" "$fresh/root/starling" || fail "git clone"

# A machine has mounts and processes of its own, which end with it; / is a mount point, as `ip netns exec` wants it.
cat >"$work/boot" <<'BOOT'
machine=$1 command=$2
shift 2
mount --bind "$machine" "$machine" && cd "$machine" && mount -t proc proc proc && mount -t sysfs sys sys &&
  mount --rbind /dev dev && mount -t tmpfs tmpfs run || exit 1
# A clean environment: nothing of the host's PATH, compilers or caches. Not by exec: bash, as process 1, reaps orphans as
# an init does, and ctest would not.
env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 STARLING_FRESH_MACHINE=1 "$@" \
  chroot . /bin/bash -c "cd /root/starling && $command"
exit $?
BOOT
on_machine() {
  unshare --mount --pid --fork --kill-child --propagation private /bin/bash "$work/boot" "$fresh" "$1" "${offline[@]}"
}
offline=()
[ -e "$fresh/usr/bin/g++" ] && fail "the machine is not fresh: it has a compiler"

note "./topologies/run diamond"
on_machine './topologies/run diamond' >"$work/run.log" 2>&1 || fail "./topologies/run diamond on a fresh machine"
tail -n 25 "$work/run.log"
note "./tests/run"
on_machine './tests/run' >"$work/tests.log" 2>&1 || fail "./tests/run on a fresh machine"
tail -n 8 "$work/tests.log"
grep -q 'tests passed' "$work/tests.log" || fail "./tests/run printed no summary of ctest"

# The second time: no apt at all (it would fail: there is no such proxy), nothing to build.
offline=(http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9)
note "again, offline"
on_machine './topologies/run pair' >"$work/again.log" 2>&1 || fail "./topologies/run pair, offline"
grep -qE '^(installing|building)' "$work/again.log" && fail "the second run installed or built something"
on_machine './tests/run -L structure' >"$work/tests-again.log" 2>&1 || fail "./tests/run, offline"
grep -qE '^(installing|building)' "$work/tests-again.log" && fail "the second test run installed or built something"
note "both commands work from nothing, and again without a network"
