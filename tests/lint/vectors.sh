#!/bin/sh
# Every item of M, T, A, Q and L has a vector or a reason; vectors cite facts and rows that are there; the page of known differences is fresh.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

[ -f tests/conformance/facts.js ] || skip "no tests/conformance/facts.js"
command -v node >/dev/null || skip "no node"
node tests/conformance/facts.js --check | verdict
