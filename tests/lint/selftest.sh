#!/bin/sh
# A check that cannot fail checks nothing: each one is shown a small tree with one mistake, and must find it at its line.
# shellcheck disable=SC2016 # the backquotes and dollars below are text of the small tree
set -eu
checks=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
bad=0
unset TWINSIM_LINT_BUILD TWINSIM_PLUGIN

# finds CHECK FILE:LINE TEXT...: the tree as it stands must make CHECK say so, and nothing about other files.
finds() {
    check=$1 where=$2 text=$3
    found=$("$checks/$check.sh" 2>&1) && found="(no finding)"
    case $found in
    *"$where: "*"$text"*) ;;
    *)
        printf 'tests/lint/%s.sh:1: does not find "%s" at %s; it said: %s\n' "$check" "$text" "$where" "$found"
        bad=1
        ;;
    esac
}
passes() {
    if ! found=$("$checks/$1.sh" 2>&1); then
        printf 'tests/lint/%s.sh:1: finds something in a clean tree: %s\n' "$1" "$found"
        bad=1
    fi
}

cd "$tree"
git init -q .
mkdir -p simulator/core simulator/plugin simulator/store simulator/cli agent-under-test tests docs scripts build/lib
printf '/build/\n' >.gitignore
cp "$checks/../../.clang-format" .
printf 'int twin_apply(void);\n' >simulator/core/twin.h
printf '#include "twin.h"\n\nint twin_apply(void)\n{\n    return 0;\n}\n' >simulator/core/twin.c
printf 'int store_open(void);\n' >simulator/store/store.h
printf '#include "store.h"\n' >simulator/cli/verb_fsck.c
printf '| T-01 | a claim | a source | sure | |\n| T-02 | a claim | a source | sure | later |\n' >docs/facts.md
printf '/* facts T-01 */\n' >tests/test_twin.c
printf 'See `simulator/core/twin.c` and `twin_apply()`, [the facts](facts.md).\n' >docs/tour.md
printf '#!/bin/sh\n# usage: scripts/hello\nset -eu\necho hello\n' >scripts/hello
chmod +x scripts/hello
for check in includes banned words docs facts scripts format; do passes $check; done

printf '#define STATUS_LIST(X) X(400004, 400, "", "", "") X(404001, 404, "", "", "")\n' >simulator/core/statuses.h
printf 'int code = 404002;\nint other = 400004;\n' >simulator/core/hub.c
finds reference simulator/core/hub.c:1 'answers 404002, which is not in the table'
finds reference simulator/core/statuses.h:1 'nothing answers 404001'
printf 'int code = 404001;\nint other = 400004;\n' >simulator/core/hub.c
passes reference
rm simulator/core/statuses.h
printf '#include "twin.h"\n#include "store.h"\n' >simulator/core/hub.c
finds includes simulator/core/hub.c:2 'core includes "store.h"'
printf '#include <sqlite3.h>\n' >simulator/core/hub.c
finds includes simulator/core/hub.c:1 'belongs to store alone'
printf '#include <pthread.h>\n' >simulator/core/hub.c
finds includes simulator/core/hub.c:1 'no files, sockets, threads'
printf 'long f(void)\n{\n    return time(0);\n}\n' >simulator/core/hub.c
finds includes simulator/core/hub.c:3 'the core calls time('
rm simulator/core/hub.c
printf '#include "twin.h"\n' >agent-under-test/main.c
finds includes agent-under-test/main.c:1 'agent-under-test includes "twin.h"'
rm agent-under-test/main.c
printf '#include <mosquitto_plugin.h>\n' >simulator/store/store.c
finds includes simulator/store/store.c:1 'belongs to plugin alone'

printf '/* strcpy(a, b) in words is fine */\n    strcpy(a, b);\n' >simulator/store/store.c
finds banned simulator/store/store.c:2 'no bound'
rm simulator/store/store.c
printf '\n    usleep(5);\n' >tests/test_wait.c
finds banned tests/test_wait.c:2 'wait for the event'
rm tests/test_wait.c

printf 'look in /%s/someone/notes\n' home >docs/note.md
finds words docs/note.md:1 'one machine'
printf 'TO%s: later\n' DO >docs/note.md
finds words docs/note.md:1 'left undone'
printf 'In `simulator/core/gone.c`.\n' >docs/note.md
finds docs docs/note.md:1 'simulator/core/gone.c, which does not exist'
printf '\nCalls `twin_gone()`.\n' >docs/note.md
finds docs docs/note.md:2 'twin_gone(), which does not exist'
printf '[here](gone.md)\n' >docs/note.md
finds docs docs/note.md:1 'gone.md, which does not exist'
rm docs/note.md

printf '/* facts T-01, T-09 */\n' >tests/test_more.c
finds facts tests/test_more.c:1 'T-09'
rm tests/test_more.c
printf '| T-01 | a claim | a source | sure | |\n| T-03 | a claim | a source | sure | |\n' >docs/facts.md
finds facts docs/facts.md:2 'no test names fact T-03'

mkdir -p fixtures/scenarios/some docs/reference
cp "$checks/../../scripts/catalogue" "$checks/../../scripts/lib.sh" scripts/
printf '`fixtures/scenarios/some`\n| no | situation | documented | facts |\n|---|---|---|---|\n| 1 | one | does it | |\n| 2 | two | – later | |\n' >docs/reference/catalogue.md
printf '{ "each": [ { "case": "2 two" }, { "case": "3 three" } ] }\n' >fixtures/scenarios/some/a.jsonc
finds catalogue docs/reference/catalogue.md:4 '1 documented has no scenario'
finds catalogue docs/reference/catalogue.md:5 'the table says that there is no scenario'
finds catalogue fixtures/scenarios/some/a.jsonc:1 '3 documented is not in'
printf '`fixtures/scenarios/some/a.jsonc`:\n\n```jsonc\n{}\n```\n' >README.md
finds catalogue README.md:4 'is not what fixtures/scenarios/some/a.jsonc says'
rm -r fixtures README.md docs/reference scripts/catalogue scripts/lib.sh

mkdir -p tests/conformance/lib tests/conformance/node tests/conformance/results docs/reference
cp "$checks/../conformance/page.js" tests/conformance/
cp "$checks/../conformance/lib/list.js" tests/conformance/lib/
printf '[\n{"id":"a-one","title":"one","facts":["T-01"],"area":"a","clients":"both"}\n]\n' >tests/conformance/cases.json
printf '{ "node": { "title": "Node" } }\n' >tests/conformance/languages.json
printf '{ "pins": [] }\n' >tests/conformance/node/driver.json
if command -v node >/dev/null; then
    finds compatibility tests/conformance/node/driver.json:1 'there is no tests/conformance/results/node.json'
    printf '{"pins":"e3b0c442","cases":{"a-one":{"of":"stale","device":"passed","module":"passed"},"a-two":{}}}\n' >tests/conformance/results/node.json
    finds compatibility tests/conformance/cases.json:2 'does not say that a-one, as it reads now, passes'
    finds compatibility tests/conformance/results/node.json:1 'speaks of a-two'
    finds compatibility docs/reference/sdk-compatibility.md:1 'is not what'
fi
rm -r tests/conformance docs/reference

mkdir -p tests/conformance/vectors/a tests/support
cp -r "$checks/../conformance/facts.js" "$checks/../conformance/runner" tests/conformance/
cp "$checks/../conformance/vectors/vector.schema.json" tests/conformance/vectors/
cp "$checks/../support/json-schema.js" tests/support/
printf '{ "reasons": { "T-03": "later",\n "T-07": "why" } }\n' >tests/conformance/vectors/unproved.json
printf '{ "uncertain": [{"id": "one", "point": "p (T-01)", "known": "k", "ours": "o"}],\n "on-purpose": [] }\n' >docs/differences.json
printf '{ "about": "a", "vectors": [\n{"name": "a name that is long enough", "facts": ["T-01", "T-08"], "shows": ["two"], "steps": [{"publish": "t"}]}] }\n' >tests/conformance/vectors/a/a.json
printf '| T-01 | a claim | a source | sure | |\n| T-02 | a claim | a source | sure | |\n| T-03 | a claim | a source | sure | |\n' >docs/facts.md
printf 'old\n' >docs/known-differences.md
if command -v node >/dev/null; then
    finds vectors docs/facts.md:2 'no vector proves T-02'
    finds vectors tests/conformance/vectors/a/a.json:2 'cites fact T-08'
    finds vectors tests/conformance/vectors/a/a.json:2 'shows two'
    finds vectors tests/conformance/vectors/unproved.json:2 'there is no fact T-07'
    finds vectors docs/known-differences.md:1 'is not what'
fi
rm -r tests/conformance tests/support docs/differences.json docs/known-differences.md

printf '#!/bin/sh\necho $1\n' >scripts/hello
finds scripts scripts/hello:1 'goes on after an error'
finds scripts scripts/hello:2 'no usage line'
finds scripts scripts/hello:2:6 'Double quote'

printf 'int  x;\n' >simulator/core/twin.h
finds format simulator/core/twin.h:1 'not laid out'

printf 'int mosquitto_plugin_version(void) { return 5; }\nint helper(void) { return 1; }\n' >plugin.c
cc -shared -fPIC -o build/lib/twinsim_plugin.so plugin.c
finds exports build/lib/twinsim_plugin.so:1 'exports helper'
finds exports build/lib/twinsim_plugin.so:1 'does not export mosquitto_plugin_init'

mkdir -p tests/mutants
printf '# rule: one\n--- a/gone.c\n+++ b/gone.c\n@@ -1 +1 @@\n-a\n+b\n' >tests/mutants/001-gone.patch
finds mutants tests/mutants/001-gone.patch:1 "no '# caught by:' line"
finds mutants tests/mutants/001-gone.patch:1 'does not apply'
rm -r tests/mutants

cp "$checks/../../.clang-tidy" .
mkdir -p build-dev
printf '#include <stdlib.h>\nint risky(const char *text);\nint risky(const char *text)\n{\n    return atoi(text);\n}\n' >simulator/core/risky.c
printf '[{ "directory": "%s",\n  "command": "cc -c simulator/core/risky.c",\n  "file": "%s/simulator/core/risky.c" }]\n' "$tree" "$tree" >build-dev/compile_commands.json
finds tidy simulator/core/risky.c:5:12 'atoi'

exit $bad
