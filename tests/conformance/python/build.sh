#!/bin/sh
# usage: build.sh BUILD: fetch the SDK that requirements.txt pins into an environment, which BUILD/venv then leads to. There is one for
# each content of that file, in the user's cache. Its last line says why, if it cannot.
set -eu
cd "$(dirname "$0")"
# shellcheck source=scripts/lib.sh
. ../../../scripts/lib.sh
[ $# -eq 1 ] || misuse "one folder"
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || die "no python3 with venv; scripts/setup --dev installs it"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/twinsim
venv=$cache/python-$(hash_of requirements.txt)
mkdir -p "$cache" "$1"
exec 9>"$cache/python.lock"
flock 9 # two at a time would spoil it
if [ ! -e "$venv/complete" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" || die "python3 could not make an environment"
    thrice "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements.txt || die "pip could not install tests/conformance/python/requirements.txt"
    touch "$venv/complete"
fi
ln -sfn "$venv" "$1/venv"
