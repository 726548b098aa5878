#!/bin/sh
# Calls that have a better one here. Tests may do what is quick to read, but not wait for a while. A line that has to is marked
# NOLINT, with its reason.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

list=$(c_files)
[ -n "$list" ] || exit 0
# shellcheck disable=SC2086 # one path a word
awk '
function ban(pattern, advice) {
    if (match(code, "(^|[^[:alnum:]_>.])" pattern "[[:space:]]*\\(")) {
        name = substr(code, RSTART, RLENGTH)
        gsub(/[^[:alnum:]_]/, "", name)
        printf "%s:%d: %s(): %s\n", FILENAME, FNR, name, advice
    }
}
FNR == 1 { in_comment = 0 }
{
    if (/NOLINT/) next
    code = $0
    gsub(/"([^"\\]|\\.)*"/, "\"\"", code)          # words inside strings are not calls
    gsub(/\/\*[^*]*\*\//, "", code); sub(/\/\/.*/, "", code)
    if (in_comment) { if (code ~ /\*\//) { sub(/.*\*\//, "", code); in_comment = 0 } else next }
    if (code ~ /\/\*/) { sub(/\/\*.*/, "", code); in_comment = 1 }
    if (FILENAME ~ /^tests\//) {
        ban("(sleep|usleep|nanosleep)", "waits for a while; wait for the event, with a limit")
        next
    }
    ban("(strcpy|strcat|stpcpy)", "no bound; use struct buf, or memcpy with a length you checked")
    ban("(sprintf|vsprintf)", "no bound; use snprintf, or buf_printf")
    ban("strn(cpy|cat)", "may leave no NUL; use memcpy with a length you checked")
    ban("(gets|scanf|sscanf|fscanf)", "cannot tell an overflow from a number; parse the view")
    ban("(atoi|atol|atoll|atof)", "cannot fail; use strtol and look at the end, or str_to_u64")
    ban("(strtok|asctime|ctime|gmtime|localtime)", "keeps hidden state; use the _r form or a view")
    ban("(system|popen)", "a shell reads its text; use posix_spawn with a list of words")
    ban("(tmpnam|tempnam|mktemp)", "races; use mkstemp or mkdtemp")
    ban("alloca", "no failure, no bound; use a fixed array or the heap")
}' $list | verdict
