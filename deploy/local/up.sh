#!/usr/bin/env bash
# Starts a Kafka broker and an ElasticMQ (SQS) on free ports, prints where they
# are and leaves them running. Fetches them first if need be.
# Usage: up.sh [DIR]    DIR holds data, logs and pids; default in the cache
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/unpark/up}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

if compgen -G "$dir/*.pid" >/dev/null; then
  echo "up.sh: $dir is in use; deploy/local/down.sh ends what runs there" >&2
  exit 1
fi
# The mark allows down.sh to remove the folder.
if [ ! -e "$dir/.unpark-local" ] && [ -n "$(ls -A "$dir")" ]; then
  echo "up.sh: $dir is neither empty nor of its own making" >&2
  exit 1
fi
touch "$dir/.unpark-local"

cd "$root"
exec go run ./deploy/local "$dir"
