# shellcheck shell=sh
# lib.sh - what the scripts share. Sourced, never run: every script starts with
#   set -eu; cd "$(dirname "$0")/.."; . scripts/lib.sh

# usage "$@": print the calling script's leading comment and leave, if help was asked for.
usage() {
    for word in "$@"; do
        case $word in
        -h | --help)
            sed -n '2,/^[^#]/{ /^#/s/^# \{0,1\}//p; }' "$0"
            exit 0
            ;;
        --) return 0 ;;
        esac
    done
}

say() { printf '%s\n' "$*"; }

# Wrong use of a script: exit status 2.
misuse() {
    printf '%s: %s (see %s --help)\n' "${0##*/}" "$*" "$0" >&2
    exit 2
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

now_s() { date +%s; }

# hash_of FILE...: one word that changes when any of the files changes.
hash_of() { cat "$@" | sha256sum | cut -c1-32; }

# thrice COMMAND...: what a registry far away may refuse once is asked three times.
thrice() {
    "$@" || { sleep 1 && "$@"; } || { sleep 5 && "$@"; }
}

# node_packages DIR: what its lock file pins, unmodified. Installed once for each content of the lock file.
node_packages() {
    [ -f "$1/package-lock.json" ] || return 0
    lock=$(hash_of "$1/package-lock.json")
    [ "$(cat "$1/node_modules/.lock-hash" 2>/dev/null)" != "$lock" ] || return 0
    (cd "$1" && thrice npm ci --no-audit --no-fund --loglevel=error) || return 1
    printf '%s\n' "$lock" >"$1/node_modules/.lock-hash"
}
