#!/bin/sh
# usage: build.sh BUILD: fetch the SDK that package-lock.json pins. Its last line says why, if it cannot.
set -eu
cd "$(dirname "$0")"
# shellcheck source=scripts/lib.sh
. ../../../scripts/lib.sh
command -v npm >/dev/null || die "no npm; scripts/setup --dev installs it"
node_packages . || die "npm could not install tests/conformance/node/package-lock.json"
