# shellcheck shell=sh
# lib.sh - what the lint checks share. A check runs in the top folder of the tree it looks at, prints one finding a line as
#   file:line: what is wrong; what to do
# and ends with 1 if it printed any, 0 if none, 77 if it could not look (it says why).

# files PATTERN...: files of the tree that match, git's ignored ones left out.
files() {
    git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while IFS= read -r path; do
        [ ! -f "$path" ] || printf '%s\n' "$path"
    done
}

c_files() { files '*.c' '*.h'; }

# verdict: pass findings through, and make the exit status.
verdict() { awk '{ print } END { exit NR > 0 }'; }

skip() {
    printf '%s\n' "$*"
    exit 77
}
