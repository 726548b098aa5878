#!/bin/sh
# Arrows point inward: which room may include what. docs/architecture.md draws the picture that this check keeps true.
set -eu
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

{
    c_files | grep -E '^(simulator|agent-under-test)/' | {
        list=$(cat)
        [ -n "$list" ] || exit 0
        # shellcheck disable=SC2086 # one path a word; no path of ours holds a blank
        grep -nHE '^[[:space:]]*#[[:space:]]*include' $list /dev/null | awk -v list="$list" '
        function room_of(path,   part) {
            split(path, part, "/")
            return part[1] == "simulator" ? part[2] : part[1]
        }
        function base(path) { sub(/.*\//, "", path); return path }
        function finding(text) { printf "%s:%s: %s\n", file, line, text }
        # A library stands behind the one room that knows it.
        function only(header, rooms, why) { if (name == header && index(" " rooms " ", " " room " ") == 0) finding("<" header "> belongs to " rooms " alone; " why) }
        BEGIN {
            may["core"] = " core "
            may["store"] = " store core "
            may["plugin"] = " plugin store core "
            may["gateway"] = " gateway core "
            may["harness"] = " harness core "
            may["cli"] = " cli harness core "
            may["agent-under-test"] = " agent-under-test "
            count = split(list, path, "\n")
            for (i = 1; i <= count; i++)
                if (path[i] ~ /\.h$/)
                    home[base(path[i])] = home[base(path[i])] " " room_of(path[i])
        }
        {
            split($0, field, ":")
            file = field[1]; line = field[2]
            room = room_of(file)
            name = $0
            sub(/^[^"<]*["<]/, "", name); sub(/[">].*$/, "", name)
            if (name in home == 0 && base(name) in home && $0 ~ /"/) {
                if (name ~ /\.\.\//) finding("include by name, not by \"" name "\"; the target already gives the folder")
                name = base(name)
            }
            if (name in home) {
                count = split(home[name], rooms, " "); ok = 0
                for (i = 1; i <= count; i++) if (index(may[room], " " rooms[i] " ")) ok = 1
                if (file == "simulator/cli/verb_fsck.c" && index(home[name], "store")) ok = 1   # looks at a store with no hub on it
                if (!ok) finding(room " includes \"" name "\" of" home[name] "; it may include" may[room] "only: pass the value in, or move the code")
            }
            only("mosquitto_plugin.h", "plugin", "the core gets requests, never broker types")
            only("mosquitto_broker.h", "plugin", "the core gets requests, never broker types")
            only("sqlite3.h", "store", "ask the store")
            if (name ~ /^event2\//) only(name, "gateway", "nothing else has a loop of its own")
            only("mosquitto.h", "harness cli agent-under-test plugin", "nothing else is an MQTT client")
            if (name == "cjson/cJSON.h" && room != "agent-under-test" && file !~ /^simulator\/core\/json/)
                finding("<cjson/cJSON.h> hides behind json.h (key lookup without case, numbers as doubles); include \"json.h\"")
            if (room == "core" && name ~ /^(sys\/(socket|stat|types|epoll|un|time|mman|wait)\.h|netinet\/.*|arpa\/.*|netdb\.h|pthread\.h|threads\.h|unistd\.h|fcntl\.h|dirent\.h|signal\.h|poll\.h)$/)
                finding("the core has no files, sockets, threads or signals (<" name ">); take what is needed as an argument")
        }'
    }

    # The core takes time, randomness and files as arguments.
    c_files | grep -E '^simulator/core/.*\.c$' | xargs -r grep -nHE '(^|[^[:alnum:]_.>])(time|clock|clock_gettime|gettimeofday|fopen|open|rand|random|getenv|localtime|printf|fprintf|perror)[[:space:]]?\(' |
        grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)' |
        sed -E 's/^([^:]*:[0-9]+):.*[^[:alnum:]_]((time|clock|clock_gettime|gettimeofday|fopen|open|rand|random|getenv|localtime|printf|fprintf|perror)[[:space:]]?\().*/\1: the core calls \2); it has no clock, randomness, files or output: take the value as an argument/' || true
} | verdict
