#!/bin/sh
# The project stands alone: it names nothing outside its own tree, no machine's folders, and no work left undone.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

# The patterns are written with a class in the middle, so that this file does not find itself.
list=$(files | grep -vE '(^|/)package-lock\.json$|\.patch$')
[ -n "$list" ] || exit 0
{
    # shellcheck disable=SC2086 # one path a word
    grep -nHIE '(^|[^[:alnum:]_./-])/(hom[e]|roo[t]|wor[k]|User[s]|mn[t])/[[:alnum:]_.]' $list | grep -v 'lint: a path' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: names a folder of one machine; say it relative to the tree, or take it from the environment/' || true
    # shellcheck disable=SC2086
    grep -nHIE '(^|[^[:alnum:]_-])(\.\./)+share[d]/|(^|[^[:alnum:]_/.-])share[d]/(spec|design|fixtures)' $list |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: refers to something that is not in this tree; say it here, or leave it out/' || true
    # shellcheck disable=SC2086
    grep -nHIwE 'TOD[O]|FIXM[E]|XX[X]|HAC[K]' $list |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: marks work left undone; do it, or say in docs\/known-differences.md what is missing/' || true
} | verdict
