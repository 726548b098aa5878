#!/bin/sh
# Every planted fault still applies and says its rule and who catches it: a stale one tests nothing.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

for patch in tests/mutants/*.patch; do
    [ -e "$patch" ] || continue
    for word in rule 'caught by'; do
        grep -q "^# $word: " "$patch" || printf "%s:1: no '# %s:' line; tests/mutants/README.md says what it holds\n" "$patch" "$word"
    done
    why=$(git apply --check "$patch" 2>&1) ||
        printf '%s:1: does not apply (%s); make it anew\n' "$patch" "$(printf '%s' "$why" | head -n 1)"
done | verdict
