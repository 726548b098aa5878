#!/bin/sh
# The SDK compatibility page is made of the list of cases and of the results that are here, and each case has its result.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

[ -f tests/conformance/page.js ] || exit 0
command -v node >/dev/null || skip "no node"
node tests/conformance/page.js --check | verdict
