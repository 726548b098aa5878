#!/bin/sh
# usage: build.sh BUILD: fetch the SDK that pom.xml names, compare it with jars.sha256, compile the driver; BUILD/lib and BUILD/classes then
# lead to them. There is one folder for each content of these files, in the user's cache. Its last line says why, if it cannot.
set -eu
cd "$(dirname "$0")"
# shellcheck source=scripts/lib.sh
. ../../../scripts/lib.sh
[ $# -eq 1 ] || misuse "one folder"

# The plugin's version is pinned here. -C: a file whose checksum is not the registry's is no file.
fetch() {
    mvn -B -q -C org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$1" </dev/null
}

for tool in java javac mvn; do
    command -v $tool >/dev/null || die "no $tool; a JDK (11 or later) and Maven are needed"
done
version=$(javac -version 2>&1 | tr -dc '0-9.' | cut -d. -f1)
[ "${version:-0}" -ge 11 ] || die "this JDK is older than 11"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/twinsim
made=$cache/java-$(hash_of build.sh pom.xml jars.sha256 Driver.java)-$version
mkdir -p "$cache" "$1"
exec 9>"$cache/java.lock"
flock 9 # two at a time would spoil it
if [ ! -e "$made/complete" ]; then
    rm -rf "$made"
    thrice fetch "$made/lib" || die "Maven could not fetch what tests/conformance/java/pom.xml names"
    pins=$PWD/jars.sha256
    [ "$(cd "$made/lib" && echo *)" = "$(awk '{ printf "%s%s", sep, $2; sep = " " }' "$pins")" ] || die "Maven fetched other files than jars.sha256 pins"
    (cd "$made/lib" && sha256sum --quiet -c "$pins") || die "a file is not the one that jars.sha256 pins"
    javac -Xlint:all -Werror -cp "$made/lib/*" -d "$made/classes" Driver.java || die "the driver does not compile"
    touch "$made/complete"
fi
ln -sfn "$made/lib" "$1/lib"
ln -sfn "$made/classes" "$1/classes"
