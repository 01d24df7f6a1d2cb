#!/bin/bash
# Every source is as clang-format leaves it.
cd "$SOURCE_DIR" || exit 1
command -v clang-format >/dev/null || { echo "SKIPPED: needs clang-format"; exit 77; }
mapfile -t files < <(find base wg routing daemon topologies tests -name '*.h' -o -name '*.cpp' | sort)
[ ${#files[@]} -gt 20 ] || { echo "only ${#files[@]} sources found"; exit 1; }
clang-format --dry-run --Werror "${files[@]}" 2>&1 | grep -E 'error:' | sed 's/: error:.*//' | cut -d: -f1 | sort | uniq -c | sed 's/$/: run clang-format -i/' >/tmp/format.$$
status=0
[ -s /tmp/format.$$ ] && { cat /tmp/format.$$; status=1; }
rm -f /tmp/format.$$
exit $status
