#!/usr/bin/env bash
# Checks the documents: that every relative link leads to a file, that every
# `make x` names a target and every `unpark x` a command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t documents < <(git ls-files -co --exclude-standard '*.md')
bad=0
links=0
commands=0

complain() {
  echo "$1" >&2
  bad=$((bad + 1))
}

for document in "${documents[@]}"; do
  while read -r link; do
    links=$((links + 1))
    target=${link%%#*}
    [ -e "$(dirname "$document")/$target" ] || complain "$document: no file $target"
  done < <(grep -oE '\]\([^)# ]+[^) ]*\)' "$document" | sed -E 's/^\]\(//; s/\)$//' | grep -vE '^[a-z]+:' || true)

  while read -r target; do
    commands=$((commands + 1))
    grep -qE "^$target:" Makefile || complain "$document: no make target $target"
  done < <(grep -oE '(^|`|\$ )make [a-z][a-z0-9-]*' "$document" | sed -E 's/.*make //' | sort -u || true)
done

# The program knows its own commands: it is built once and asked.
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/unpark" ./cmd/unpark
for document in "${documents[@]}"; do
  while read -r -a words; do
    commands=$((commands + 1))
    "$bin/unpark" "${words[@]}" --help </dev/null >/dev/null 2>&1 ||
      complain "$document: no command unpark ${words[*]}"
  done < <(grep -oE '(^|`|\$ |\./bin/|bin/)unpark [a-z]+(-[a-z]+)?( (lint|apply|diff|show|add|elapsed|eval|create|check|list|redrive)\b)?' "$document" |
    sed -E 's/.*unpark //' | sort -u || true)
done

echo "${#documents[@]} documents, $links links, $commands commands checked, $bad wrong"
[ "$bad" = 0 ]
