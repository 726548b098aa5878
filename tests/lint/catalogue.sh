#!/bin/sh
# Every situation of docs/reference/catalogue.md has its scenarios or a reason, every number and mode that a scenario claims stands there,
# and a scenario that README.md shows is the file that it names.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

{
    [ ! -x scripts/catalogue ] || scripts/catalogue --check || true
    [ ! -f README.md ] || awk '
        match($0, /`fixtures\/scenarios\/[^`*]*\.jsonc`/) { file = substr($0, RSTART + 1, RLENGTH - 2) }
        /^```/ && inside { if ((getline line < file) > 0) printf "%s:%d: leaves out the end of %s; copy it again\n", FILENAME, FNR, file; inside = 0; close(file); file = ""; next }
        /^```jsonc$/ && file != "" { inside = 1; told = 0; next }
        inside && !told && ((getline line < file) <= 0 || line != $0) { printf "%s:%d: is not what %s says; copy it again\n", FILENAME, FNR, file; told = 1 }
    ' README.md
} | verdict
