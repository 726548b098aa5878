#!/bin/sh
# Every fact that code or a test cites stands in docs/facts.md; every fact that is not marked "later" there is named by a test.
#
# A citation is `facts M-13`, or a list: `facts M-13, M-14 and S-02`. Lines that cite nothing but hold an id (a test's name, say) count
# as naming it too.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

book=docs/facts.md
[ -f "$book" ] || skip "no $book"
known=$(grep -oE '^\| [A-Z]-[0-9]{2} ' "$book" | tr -d '| ' | sort)

# The other way round. A row whose last cell says "later" waits for a part that is not built yet.
uncited() {
    tests=$(files 'tests/*.c' 'tests/*.js' 'tests/conformance/cases.json' 'tests/conformance/vectors/*/*.json' 'fixtures/scenarios/*')
    named=$([ -z "$tests" ] || printf '%s\n' "$tests" | xargs grep -ohE '\b[A-Z]-[0-9]{2}( to [A-Z]-[0-9]{2})?\b' | awk '
        / to / { split($0, end, " to "); for (i = substr(end[1], 3) + 0; i <= substr(end[2], 3) + 0; i++) printf "%s-%02d\n", substr($0, 1, 1), i; next }
        { print }' | sort -u)
    awk -F'|' -v named="$named" '
        BEGIN { n = split(named, id, "\n"); for (i = 1; i <= n; i++) have[id[i]] = 1 }
        /^\| [A-Z]-[0-9][0-9] / {
            id_ = $2; gsub(/ /, "", id_)
            last = $(NF - 1); gsub(/ /, "", last)
            if (last == "later" || last == "background" || (id_ in have)) next
            printf "%s:%d: no test names fact %s; write one, or mark the row \"later\" or \"background\"\n", FILENAME, FNR, id_
        }' "$book"
}

{
    printf '%s\n' "$known" | uniq -d | while IFS= read -r id; do
        [ -z "$id" ] || grep -n "^| $id " "$book" | tail -n 1 | sed -E "s/^([0-9]+):.*/docs\/facts.md:\1: $id stands twice; give one a new number/"
    done
    cites=$(files '*.c' '*.h' '*.js' '*.json' '*.jsonc' '*.md' '*.patch' | grep -v "^$book$" | grep -vE '(^|/)package(-lock)?\.json$')
    # shellcheck disable=SC2086 # one path a word
    [ -z "$cites" ] || grep -nHE 'facts? +[A-Z]-[0-9]{2}' $cites /dev/null | awk -v known="$known" '
        BEGIN { n = split(known, id, "\n"); for (i = 1; i <= n; i++) have[id[i]] = 1 }
        {
            split($0, field, ":")
            rest = $0
            sub(/.*facts? +/, "", rest)
            while (match(rest, /[A-Z]-[0-9][0-9]/)) {
                cited = substr(rest, RSTART, RLENGTH)
                rest = substr(rest, RSTART + RLENGTH)
                if (!(cited in have)) printf "%s:%s: cites fact %s, which docs/facts.md does not have; add it there with its source, or mend the number\n", field[1], field[2], cited
            }
        }'
    uncited
} | verdict
