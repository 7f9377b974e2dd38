#!/usr/bin/env bash
# All of pytest (arguments: a part of it). Where the whole run fails in a handful of places, these are run once more by
# themselves and named: on a busy machine a test that waits for a browser or a killed server may meet a pause that has
# nothing to do with the code. What fails twice, or in more places than that, is a failure (docs/adr/0015).
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
most=5

[ $# -eq 0 ] || exec "$python" -m pytest "$@"

status=0
"$python" -m pytest --cache-clear || status=$?
[ "$status" -eq 1 ] || exit "$status"
mapfile -t failed < <("$python" -c 'import json, sys
print("\n".join(sorted(json.load(open(sys.argv[1])))))' .pytest_cache/v/cache/lastfailed)
if [ ${#failed[@]} -gt $most ]; then
  echo "${#failed[@]} failures: too many for chance, not tried again." >&2
  exit 1
fi
echo "Tried once more, by themselves: ${failed[*]}" >&2
"$python" -m pytest "${failed[@]}"
echo "Passed only at the second try: ${failed[*]}" >&2
