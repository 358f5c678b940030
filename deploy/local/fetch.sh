#!/usr/bin/env bash
# Fetches a real counterpart from the package registries into the cache, once,
# and prints the folder it lies in.
# Usage: fetch.sh kafka|elasticmq|kstreams|moto|consumer
# Needs: kafka, elasticmq and kstreams a JDK (17 or later) with Maven; moto and
# consumer Python 3.
# The cache is ${XDG_CACHE_HOME:-$HOME/.cache}/unpark/local.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
part=${1:?usage: fetch.sh kafka|elasticmq|kstreams|moto|consumer}

case $part in
  kafka | elasticmq) list=$here/$part/pom.xml ;;
  kstreams) list=$here/../../bench/kstreams/pom.xml ;;
  moto | consumer) list=$here/$part/requirements.txt ;;
  *)
    echo "fetch.sh: unknown part $part" >&2
    exit 2
    ;;
esac

# The name follows from the list of what is in it, so that another version is
# another folder and a stale one is never used.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/unpark/local
want=$cache/$part-$(cksum <"$list" | cut -d' ' -f1)
if [ -d "$want" ]; then
  echo "$want"
  exit 0
fi

need() {
  command -v "$1" >/dev/null || {
    echo "fetch.sh: $part needs $1, which is not installed" >&2
    exit 1
  }
}

# Packages are tested side by side: one of them fetches, the others wait. Without
# flock each fetches for itself; the rename below keeps that harmless.
mkdir -p "$cache"
if command -v flock >/dev/null; then
  exec 9>"$cache/$part.lock"
  flock 9
  if [ -d "$want" ]; then
    echo "$want"
    exit 0
  fi
fi

echo "fetching $part" >&2
tmp=$(mktemp -d "$cache/$part.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
case $part in
  kafka | elasticmq | kstreams)
    need java
    need mvn
    mvn -B -f "$list" -l "$tmp/log" dependency:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$tmp/lib" >/dev/null || {
      cat "$tmp/log" >&2
      exit 1
    }
    ;;
  moto | consumer)
    need python3
    python3 -m venv "$tmp/lib" >&2
    "$tmp/lib/bin/python3" -m pip install -q --disable-pip-version-check -r "$list" >&2
    ;;
esac
[ -d "$want" ] || mv "$tmp/lib" "$want"
echo "$want"
