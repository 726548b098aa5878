#!/bin/sh
# usage: build.sh BUILD: fetch the modules that go.mod and go.sum pin, and compile the driver, to which BUILD/driver then leads. There is one
# for each content of these files, in the user's cache. Its last line says why, if it cannot.
set -eu
cd "$(dirname "$0")"
# shellcheck source=scripts/lib.sh
. ../../../scripts/lib.sh
[ $# -eq 1 ] || misuse "one folder"

command -v go >/dev/null || die "no go; Go 1.19 or later is needed (Debian: golang-go)"
export GOTOOLCHAIN=local # the one that is here: no other is downloaded
version=$(go env GOVERSION)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/twinsim
made=$cache/go-$(hash_of build.sh go.mod go.sum ./*.go)-$version
mkdir -p "$cache" "$1"
exec 9>"$cache/go.lock"
flock 9 # two at a time would spoil it
if [ ! -e "$made/complete" ]; then
    rm -rf "$made"
    thrice go mod download || die "Go could not fetch what tests/conformance/go/go.mod names"
    go vet . || die "go vet finds mistakes in the driver"
    go build -mod=readonly -buildvcs=false -o "$made/driver" . || die "the driver does not compile; Go 1.19 or later is needed"
    touch "$made/complete"
fi
ln -sfn "$made/driver" "$1/driver"
