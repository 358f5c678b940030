#!/usr/bin/env bash
# Ends what up.sh started and removes its folder.
# Usage: down.sh [DIR]
set -euo pipefail
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/unpark/up}
if [ ! -d "$dir" ]; then
  echo "nothing runs in $dir"
  exit 0
fi
dir=$(cd "$dir" && pwd)
if [ ! -e "$dir/.unpark-local" ]; then
  echo "down.sh: $dir was not made by up.sh" >&2
  exit 1
fi

for file in "$dir"/*.pid; do
  [ -e "$file" ] || continue
  pid=$(cat "$file")
  # After a reboot the number may be another process's: ours names its folder.
  if ps -o args= -p "$pid" | grep -qF -- "$dir/"; then
    kill "$pid"
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  fi
  echo "ended $(basename "$file" .pid)"
done
rm -rf "$dir"
