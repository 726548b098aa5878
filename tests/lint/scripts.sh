#!/bin/sh
# Scripts are POSIX sh that shellcheck has nothing to say about; every script tells its usage, fails on errors and unset names.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

command -v shellcheck >/dev/null || skip "no shellcheck; scripts/setup --dev installs it"
scripts=$(files | grep -E '^(scripts/|\.ci/|tests/.*\.sh$)' | xargs -r grep -lE '^#( shellcheck shell=sh|!/bin/sh)')
[ -n "$scripts" ] || exit 0
{
    # shellcheck disable=SC2086 # one path a word
    shellcheck -x -f gcc $scripts || true
    for script in $scripts; do
        case $script in scripts/lib.sh | tests/lint/lib.sh | .ci/run) continue ;; esac
        grep -q '^set -eu$' "$script" || printf '%s:1: goes on after an error; add: set -eu\n' "$script"
        case $script in
        scripts/*) sed -n 2p "$script" | grep -q '^# usage: scripts/' || printf '%s:2: no usage line; write: # usage: %s ...\n' "$script" "$script" ;;
        esac
        [ -x "$script" ] || printf '%s:1: not executable; run: chmod +x %s\n' "$script" "$script"
    done
} | verdict
