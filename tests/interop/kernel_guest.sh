#!/usr/bin/env bash
# kernel_guest.sh "SCRIPT ARGUMENTS..."...: runs scripts of this folder, one after the other, in a virtual machine whose kernel is
# Debian's own, with the kernel's WireGuard, whatever kernel this host has. Emulated in software unless /dev/kvm is worth
# using. Passes if all of them do; what they print appears here as they print it.
#
# The guest's root is an initramfs: busybox, the programs below with their libraries as this host has them, starling-wg and
# these scripts. The kernel and busybox are fetched as Debian packages and only unpacked, into a cache: nothing is
# installed, and the second run needs no network.
#
#   STARLING_TEST_CACHE   the cache, /var/cache/starling-tests
. "$SOURCE_DIR/tests/lib.sh" || exit 1
[ $# -gt 0 ] || fail "which scripts?"
need_command qemu-system-x86_64 qemu-system-x86
need_command dpkg-deb dpkg
need_command apt-get apt

programs="bash cat cmp cp cut date dd grep head ip iperf3 mawk mktemp nft ping sed seq sha256sum sleep socat sysctl tail tc timeout wc wg"
modules="wireguard veth tun sch_netem nf_tables nft_objref nft_ct nft_nat nft_masq nft_chain_nat"
boot_limit_s=60
# A console line that begins with this word is the guest's own report.
mark="@@guest-$$-$RANDOM"

# ---- packages ----

cache=${STARLING_TEST_CACHE:-/var/cache/starling-tests}
mkdir -p "$cache" || fail "cannot make $cache; name another folder in STARLING_TEST_CACHE"

# download PACKAGE: the .deb into the current folder. Old package lists name files that the mirror no longer has.
download() {
  apt-get download -qq "$1" && return
  apt-get update -qq && apt-get download -qq "$1"
} >"$work/apt.log" 2>&1

# unpacked NAME PACKAGE: the package's files are in $cache/NAME, from now on.
unpacked() {
  local name=$1 package=$2
  [ -d "$cache/$name" ] && return
  note "fetching the package $package"
  rm -rf "$cache/$name.new"
  mkdir -p "$cache/$name.new" "$work/$name"
  (cd "$work/$name" && download "$package" && dpkg-deb -x "$package"_*.deb "$cache/$name.new") ||
    skip "no $package in $cache, and it cannot be fetched: $(grep '^E:' "$work/apt.log" | tail -n 1)"
  mv "$cache/$name.new" "$cache/$name" || fail "cannot fill $cache"
}

# The package that has the files is named by the one that depends on the newest.
newest_kernel() {
  apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

exec 9>"$cache/lock"
flock 9
unpacked busybox busybox-static
if [ ! -d "$cache/kernel" ]; then
  kernel_package=$(newest_kernel)
  [ -n "$kernel_package" ] || { apt-get update -qq >"$work/apt.log" 2>&1; kernel_package=$(newest_kernel); }
  [ -n "$kernel_package" ] || skip "apt knows no linux-image-cloud-amd64"
  unpacked kernel "$kernel_package"
fi
busybox=$cache/busybox/bin/busybox
image=$(echo "$cache"/kernel/boot/vmlinuz-*)
version=${image##*/vmlinuz-}
tree=lib/modules/$version
[ -s "$cache/kernel/$tree/modules.dep" ] || "$busybox" depmod -b "$cache/kernel" "$version" ||
  fail "no kernel in $cache/kernel; remove that folder and try again"
flock -u 9

# ---- the initramfs ----

guest=$work/guest
mkdir -p "$guest"/{dev,proc,sys,run,tmp,etc,var,source/tests,source/bin,usr/{bin,sbin,lib64,lib/x86_64-linux-gnu}}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$guest/$folder"; done
ln -s /run "$guest/var/run"
cp "$busybox" "$guest/usr/bin/busybox"
ln -s ../bin/busybox "$guest/usr/sbin/modprobe" # where the kernel looks for it
for program in $programs; do
  file=$(PATH=$PATH:/usr/sbin:/sbin type -P "$program") || skip "needs the command $program"
  cp -L "$file" "$guest/usr/bin/$program"
done
ln -s mawk "$guest/usr/bin/awk"
cp "$BIN/starling-wg" "$guest/source/bin/" || fail "no starling-wg in $BIN"
cp -R "$SOURCE_DIR/tests/lib.sh" "$SOURCE_DIR/tests/interop" "$guest/source/tests/"

ldd "$guest"/usr/bin/* "$guest"/source/bin/* 2>/dev/null >"$work/ldd"
grep -q 'not found' "$work/ldd" && fail "missing libraries: $(grep 'not found' "$work/ldd" | sort -u | xargs)"
sed -n -e 's/.*=> \(\/[^ ]*\) .*/\1/p' "$work/ldd" | sort -u | xargs cp -Lt "$guest/usr/lib/x86_64-linux-gnu"
cp -L /lib64/ld-linux-x86-64.so.2 "$guest/usr/lib64/"

# Modules with what they depend on, so that they are loaded on demand as on an installed system.
mkdir -p "$guest/$tree"
awk -v wanted="$modules" '
  BEGIN { split(wanted, names, " "); for (i in names) want[names[i]] }
  { name = $1; sub(/.*\//, "", name); sub(/\.ko:$/, "", name); gsub(/-/, "_", name); sub(/:/, "", $1) }
  name in want' "$cache/kernel/$tree/modules.dep" | tr ' ' '\n' | grep . | sort -u >"$work/modules"
(cd "$cache/kernel/$tree" && xargs cp --parents -t "$guest/$tree") <"$work/modules" || fail "cannot copy the kernel's modules"
cp "$cache/kernel/$tree"/modules.{builtin,order} "$guest/$tree/"
"$busybox" depmod -b "$guest" "$version" || fail "depmod for the guest"

cat >"$guest/init" <<INIT
#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin HOME=/tmp TERM=dumb WG_COLOR_MODE=never LC_ALL=C SOURCE_DIR=/source BIN=/source/bin STARLING_WITHOUT=${STARLING_WITHOUT:-}
/bin/busybox --install -s /usr/bin 2>/dev/null # replaces no real program
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /run/netns /run/wireguard
ln -s /proc/self/fd /dev/fd
exec </dev/null >/dev/ttyS0 2>&1
stty -F /dev/ttyS0 -onlcr
ip link set lo up
modprobe tun # makes /dev/net/tun
cd /source
echo "$mark up"
status=0
while read -r script arguments; do
  echo "== \$script \$arguments"
  read -r before rest </proc/uptime
  bash tests/interop/\$script \$arguments || { status=1; echo "FAILED in the guest: \$script \$arguments"; }
  read -r after rest </proc/uptime
  echo "== \$script: from \$before s to \$after s after boot"
done </scripts
echo "$mark \$status"
stty -F /dev/ttyS0 sane # waits until all is said
poweroff -f
INIT
chmod 755 "$guest/init"
printf '%s\n' "$@" >"$guest/scripts"
(cd "$guest" && find . | "$busybox" cpio -o -H newc 2>/dev/null) >"$work/initramfs" || fail "cannot build the initramfs"

# ---- boot ----

# qemu64 has no vector extension beyond SSE2: what our programs choose at run time must do with that. (It is also the
# fastest of the emulated ones: the kernel then runs scalar ciphers, which are cheaper to emulate than vectors.)
accelerator=(-accel tcg -cpu qemu64,+rdrand)
if [ -w /dev/kvm ] && { [ -e /sys/module/kvm_intel ] || [ -e /sys/module/kvm_amd ]; }; then
  accelerator=(-accel kvm -accel tcg -cpu max)
fi
mkfifo "$work/console"
qemu-system-x86_64 "${accelerator[@]}" -M pc -smp 1 -m 512 -nodefaults -no-reboot -display none -monitor none -serial stdio \
  -kernel "$image" -initrd "$work/initramfs" -append "console=ttyS0 quiet panic=-1 oops=panic mitigations=off net.ifnames=0" \
  </dev/null >"$work/console" 2>"$work/qemu.log" &
pids+=($!)

status=
while IFS= read -r -t "$boot_limit_s" line || [ -n "$line" ]; do
  line=${line%$'\r'}
  case $line in
    "$mark up") boot_limit_s=600; note "the guest is up after $SECONDS s" ;;
    "$mark "*) status=${line##* }; break ;;
    *) if [ "$boot_limit_s" = 600 ]; then printf '%s\n' "$line"; else printf '%s\n' "$line" >>"$work/boot.log"; fi ;;
  esac
done <"$work/console"
[ -n "$status" ] || fail "the guest died or hung after $SECONDS s"
[ "$status" = 0 ] || fail "a script failed in the guest"
note "ok, $SECONDS s"
