#!/usr/bin/env bash
# Checks that the generated Go is what the Protobuf and OpenAPI files generate, and that no
# schema changed in a way that breaks a reader of records already written.
# Works on a copy: the tree stays as it is.
# Usage: generate-check.sh BUF
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
buf=${1:?usage: generate-check.sh BUF}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The generators are tools of go.mod, so that it goes along.
mkdir "$tmp/schemas"
cp go.mod go.sum buf.yaml buf.gen*.yaml "$tmp"
cp schemas/*.proto "$tmp/schemas"
(cd "$tmp" && "$buf" generate && "$buf" generate --template buf.gen.input.yaml --path schemas/input.proto)
if ! diff -q <(cd schemas && cksum -- *.pb.go) <(cd "$tmp/schemas" && cksum -- *.pb.go) >/dev/null; then
  for file in {schemas,"$tmp/schemas"}/*.pb.go; do
    name=$(basename "$file")
    cmp -s "schemas/$name" "$tmp/schemas/$name" || echo "$name"
  done | sort -u >&2
  echo "these files are not what the Protobuf files generate: make generate" >&2
  exit 1
fi

api=connectors/genesys/api
mkdir -p "$tmp/$api"
sed "s|^output: |&$tmp/|" "$api/oapi-codegen.yaml" >"$tmp/api.yaml"
go tool oapi-codegen -config "$tmp/api.yaml" "$api/openapi.yaml"
if ! cmp -s "$api/api.gen.go" "$tmp/$api/api.gen.go"; then
  echo "$api/api.gen.go is not what openapi.yaml generates: make generate" >&2
  exit 1
fi
echo "generated code is current"

# Readers of a release must be able to read what the next one writes. Before the
# first release that is main.
base=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)
for ref in main origin/main; do
  [ -n "$base" ] && break
  if git rev-parse -q --verify "$ref^{commit}" >/dev/null; then base=$ref; fi
done
if [ -z "$base" ]; then
  echo "skipped: buf breaking has neither a tag v* nor a branch main to compare with"
  exit 0
fi
if ! git ls-tree --name-only "$base" schemas/ | grep -q '\.proto$'; then
  echo "skipped: buf breaking: $base has no schemas"
  exit 0
fi
mkdir "$tmp/base"
git archive "$base" buf.yaml schemas | tar -x -C "$tmp/base"
"$buf" breaking --against "$tmp/base"
echo "schemas break no reader since $base"
