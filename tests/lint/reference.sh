#!/bin/sh
# The pages that are made from tables are what the tables say; and the table of error codes is what the code answers.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

table=simulator/core/statuses.h
[ -f "$table" ] || skip "no $table"
known=$(grep -oE 'X\([0-9]{6}, [0-9]{3},' "$table" | tr -dc '0-9\n' | sort)

# Codes in the code, one a line: file:line:code. A number of six digits that begins as a status does is one.
codes() { files 'simulator/core/*.[ch]' 'simulator/plugin/*.[ch]' | grep -v "^$table$" | xargs -r grep -noE '\b(40[0-9]|41[0-9]|42[0-9]|50[0-9])[0-9]{3}\b' /dev/null | grep -v ':400000$'; } # that one is a number of messages

{
    [ ! -x scripts/reference ] || scripts/reference --check || true
    codes | awk -F: -v known="$known" '
        BEGIN { n = split(known, row, "\n"); for (i = 1; i <= n; i++) have[substr(row[i], 1, 6)] = 1 }
        !($3 in have) { printf "%s:%s: answers %s, which is not in the table of error codes; add it to simulator/core/statuses.h\n", $1, $2, $3 }'
    used=$(codes | cut -d: -f3 | sort -u)
    printf '%s\n' "$known" | while IFS= read -r row; do
        code=${row%???}
        case "$row" in "$code${code%???}") ;; *) printf '%s:%s: %s does not begin with its status\n' "$table" "$(grep -n "X($code" "$table" | cut -d: -f1)" "$code" ;; esac
        printf '%s\n' "$used" | grep -qx "$code" || printf '%s:%s: nothing answers %s; take the row out\n' "$table" "$(grep -n "X($code" "$table" | cut -d: -f1)" "$code"
    done
} | verdict
