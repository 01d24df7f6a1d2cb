#!/bin/bash
# `cmake --install` puts every program in place, and what is installed starts.
. "$SOURCE_DIR/tests/lib.sh"
cmake --install "$(dirname "$BIN")" --prefix "$work/prefix" >"$work/install.log" || fail "cmake --install"
for program in starlingd starling starling-lab starling-wg; do
  [ -x "$work/prefix/bin/$program" ] || fail "$program is not installed"
  "$work/prefix/bin/$program" --version | found '[0-9]\.[0-9]' || fail "$program --version prints no version"
  "$work/prefix/bin/$program" --help | found -i usage || fail "$program --help prints no usage"
done
"$work/prefix/bin/starling" lab --help | found -i usage || fail "starling does not find its installed sister starling-lab"
[ -r "$work/prefix/share/starling/wireshark/starling.lua" ] || fail "the Wireshark dissector is not installed"
