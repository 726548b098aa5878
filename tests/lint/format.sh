#!/bin/sh
# .clang-format owns the layout of C.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

command -v clang-format >/dev/null || skip "no clang-format; scripts/setup --dev installs it"
c_files | xargs -r clang-format --dry-run -Werror 2>&1 | grep -E 'error:|warning:' |
    awk -F: '!seen[$1]++ { printf "%s:%s: not laid out as .clang-format says; run scripts/format\n", $1, $2 }' | verdict
