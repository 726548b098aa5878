#!/bin/sh
# A document that names a file or a function names one that exists.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

documents=$(files '*.md')
[ -n "$documents" ] || exit 0
have=$(mktemp)
functions=$(mktemp)
trap 'rm -f "$have" "$functions"' EXIT
files | awk '{ print; while (sub(/\/[^\/]*$/, "")) print }' | sort -u >"$have" # files, and the folders above them
{
    files '*.c' '*.h' '*.js' '*.sh' 'scripts/*' | xargs -r grep -ohE '\b[a-zA-Z_][a-zA-Z0-9_]*[[:space:]]?\(' | tr -d ' ('
    files '*.cmake' '*CMakeLists.txt' | xargs -r sed -nE 's/^ *(function|macro)\(([a-z_]+).*/\2/p'
} | sort -u >"$functions"

# shellcheck disable=SC2086 # one path a word
awk -v have="$have" -v functions="$functions" '
function finding(text) { printf "%s:%d: %s\n", FILENAME, FNR, text }
function here(path,   dir) {                  # a link is relative to its document
    dir = FILENAME
    if (!sub(/\/[^\/]*$/, "", dir)) dir = ""
    path = (dir == "" ? "" : dir "/") path
    while (sub(/[^\/]+\/\.\.\//, "", path)) ;
    gsub(/\.\//, "", path)
    sub(/\/$/, "", path)
    return path
}
BEGIN {
    while ((getline line < have) > 0) exists[line] = 1
    while ((getline line < functions) > 0) defined[line] = 1
    ours = "^(simulator|agent-under-test|fixtures|tests|scripts|docs|cmake|\\.ci)/"
}
/^[[:space:]]*```/ { fenced = !fenced; next }
FNR == 1 { fenced = 0 }
fenced { next }
{
    text = $0
    while (match(text, /\]\([^)#]+/)) {
        target = substr(text, RSTART + 2, RLENGTH - 2)
        text = substr(text, RSTART + RLENGTH)
        if (target ~ /^[a-z]+:/ || target ~ /^#/) continue
        if (!(here(target) in exists)) finding("links to " target ", which does not exist")
    }
    text = $0
    while (match(text, /`[^`]+`/)) {
        span = substr(text, RSTART + 1, RLENGTH - 2)
        text = substr(text, RSTART + RLENGTH)
        if (span ~ /^[a-z_][a-z0-9_]*\(\)$/ || span ~ /^[a-z][a-z0-9]*_[a-z0-9_]+\(.*\)$/) {
            name = span; sub(/\(.*/, "", name)
            if (!(name in defined)) finding("names the function " name "(), which does not exist; rename it here too")
        }
        sub(/[ :].*/, "", span)               # a command line: its first word
        sub(/\/$/, "", span)
        if (span !~ ours || span ~ /[*<>{}$]|NN|NAME|\.\.\.|…/) continue
        if (!(span in exists)) finding("names " span ", which does not exist; mend or remove it")
    }
}' $documents | verdict
