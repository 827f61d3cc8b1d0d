#!/usr/bin/env bash
# Installs requirements.lock into an environment, and says on stderr how far it is. Usage: install.sh ENVIRONMENT
set -euo pipefail
packages=$(grep -c '^[a-zA-Z0-9].*==' requirements.lock)
echo "making $1: $packages packages, some 160 MB to fetch once, a minute or two" >&2
[ -t 2 ] && start=$'\r\033[K' end= || start= end=$'\n'
count=0
"$1/bin/python" -u -m pip --disable-pip-version-check install --progress-bar off --require-hashes -r requirements.lock |
  while read -r what name _; do
    case $what in
      Collecting)
        count=$((count + 1))
        # Where nobody watches, a line for every tenth is enough.
        [ -n "$end" ] && [ $((count % 10)) -ne 0 ] || printf '%s  %d of %d: %s%s' "$start" "$count" "$packages" "${name%%==*}" "$end" >&2
        ;;
      Installing) printf '%s  unpacking %d packages%s' "$start" "$count" "$end" >&2 ;;
      Successfully) printf '%s  installed in %d s\n' "$start" "$SECONDS" >&2 ;;
    esac
  done
