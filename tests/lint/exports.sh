#!/bin/sh
# The broker loads every plugin into one namespace: ours shows the three names the broker looks for, and nothing else.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

plugin=${TWINSIM_PLUGIN:-build/lib/twinsim_plugin.so}
[ -e "$plugin" ] || skip "no $plugin; scripts/build makes it"
wanted='mosquitto_plugin_cleanup mosquitto_plugin_init mosquitto_plugin_version'
shown=$(nm -D --defined-only --format=posix "$plugin" | awk '{ print $1 }' | sort)
{
    for name in $shown; do
        case " $wanted " in
        *" $name "*) ;;
        *) printf '%s:1: exports %s; make it static, or leave visibility hidden\n' "$plugin" "$name" ;;
        esac
    done
    for name in $wanted; do
        printf '%s\n' "$shown" | grep -qx "$name" || printf '%s:1: does not export %s; the broker cannot load it\n' "$plugin" "$name"
    done
} | verdict
