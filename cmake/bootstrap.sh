# What ./topologies/run and ./tests/run share: missing Debian packages, then the build. Sourced, with `root` (the checkout) set.
# Quick and offline once everything is there.

# missing_packages FILE...: the packages named in these lists that are not installed, one a line.
missing_packages() {
  local wanted
  wanted=$(cat "$@" | awk -v here="[$(dpkg --print-architecture)]" '{ sub(/#.*/, "") } NF && ($2 == "" || $2 == here) { print $1 }' | sort -u)
  # shellcheck disable=SC2086
  comm -23 <(echo "$wanted") <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | sed -n 's/ installed$//p' | sort -u)
}

# install_packages FILE...: installs what is missing. Says what it does, shows apt's words only when it fails.
install_packages() {
  local missing log
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "These Debian packages are needed, and there is no apt-get here:" $missing >&2
    return 1
  fi
  if [ "$(id -u)" != 0 ]; then
    echo "These packages are missing, and only root can install them. Run:" >&2
    echo "  apt-get install --no-install-recommends" $missing >&2
    return 1
  fi
  echo "installing $(echo "$missing" | wc -l) Debian packages:" $missing
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
    tail -n 30 "$log" >&2
    echo "apt-get failed; its whole output is in $log" >&2
    return 1
  fi
  rm -f "$log"
}

# build PRESET [TARGET...]: configures when needed, builds, and prints progress only if there is something to do.
build() {
  local preset=$1 log quiet=()
  shift
  log=$(mktemp)
  if [ ! -f "$root/build/$preset/build.ninja" ] && ! (cd "$root" && cmake --preset "$preset") >"$log" 2>&1; then
    cat "$log" >&2
    return 1
  fi
  rm -f "$log"
  if (cd "$root/build/$preset" && ninja -n "$@" | grep 'no work to do' >/dev/null); then
    quiet=(--quiet)
  else
    echo "building ($preset)"
  fi
  (cd "$root/build/$preset" && ninja "${quiet[@]}" "$@")
}
