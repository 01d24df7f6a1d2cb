#!/bin/bash
# Runs the doctest programs of the debug preset: the same tests under AddressSanitizer and UndefinedBehaviorSanitizer.
debug=$SOURCE_DIR/build/debug
[ -f "$debug/CTestTestfile.cmake" ] || { echo "SKIPPED: build/debug is not configured (./tests/run builds it)"; exit 77; }
exec ctest --test-dir "$debug" --output-on-failure --no-tests=error -L '^(unit|sim)$' -R '_test$' # no scripts: their programs are not built here
