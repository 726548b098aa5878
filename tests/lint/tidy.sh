#!/bin/sh
# clang-tidy with .clang-tidy's list. A file is looked at again only when what the compiler sees of it changed:
# a clean verdict is remembered under the hash of the preprocessed text, so a comment in a header costs nothing.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

command -v clang-tidy >/dev/null || skip "no clang-tidy; scripts/setup --dev installs it"
build=${TWINSIM_LINT_BUILD:-build-dev}
[ -f "$build/compile_commands.json" ] || skip "no $build/compile_commands.json; scripts/build dev makes it"
cache="build-lint/tidy"
mkdir -p "$cache"
config=$(cat .clang-tidy "$0" | sha256sum | cut -c1-16)

if [ "${1:-}" = --one ]; then
    file=$2
    # The flags that matter to the text: where headers are and what is defined.
    command=$(awk -v file="/$file\"" 'index($0, "\"command\":") { c = $0 } index($0, "\"file\":") && index($0, file) { print c; exit }' "$build/compile_commands.json")
    [ -n "$command" ] || exit 0 # not built in this preset
    flags=$(printf '%s\n' "$command" | grep -oE '(-I|-D|-isystem )[^ ]+' | sed 's/\\"/"/g; s/\\"/"/g' | tr '\n' ' ')
    # shellcheck disable=SC2086 # flags are words
    key=$config-$({ printf '%s\n' "$flags"; clang -std=c11 -E -P $flags "$file" 2>/dev/null || cat "$file"; } | sha256sum | cut -c1-32)
    [ ! -e "$cache/$key" ] || exit 0
    # A failed assertion of a test does not return, which the analyzer cannot see: there it would find what cannot be.
    checks=
    case $file in tests/*) checks='--checks=-clang-analyzer-*,-cert-err34-c,-bugprone-suspicious-missing-comma' ;; esac
    # The analyzer walks every path until a budget is spent; a fifth of the usual one finds the same here in a third of the time.
    found=$(clang-tidy --quiet ${checks:+"$checks"} -p "$build" --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=50000 "$file" 2>/dev/null | grep -E '(warning|error):' | sed "s|^$PWD/||" | sort -u || true)
    if [ -z "$found" ]; then
        : >"$cache/$key"
    else
        printf '%s\n' "$found"
    fi
    exit 0
fi

c_files | grep '\.c$' | xargs -r -P "$(nproc)" -n 1 "$0" --one | sort -u | verdict
