#!/usr/bin/env bash
# All of pytest (arguments: a part of it, once and in one process).
#
# First what looks at single parts, two files at a time, for it mostly waits; then, alone on the machine, what drives a whole
# appliance, a browser or a benchmark. Where the whole fails in a handful of places, these are run once more by themselves and
# named: on a busy machine a test that waits for a browser or a killed server may meet a pause that has nothing to do with the
# code. What fails twice, or in more places than that, is a failure (docs/adr/0015).
set -euo pipefail
cd "$(dirname "$0")/.."
pytest=(.venv/bin/python -m pytest)
whole=(tests/benchmarks tests/browser tests/end_to_end tests/soak tests/standalone)
most=5

[ $# -eq 0 ] || exec "${pytest[@]}" "$@"

failed() { # names of the tests that failed last time, a line each
  .venv/bin/python -c 'import json, pathlib, sys
kept = pathlib.Path(sys.argv[1])
print("\n".join(sorted(json.loads(kept.read_text()))) if kept.exists() else "", end="")' .pytest_cache/v/cache/lastfailed
}

run() { # a part of the tests; one that broke off ends everything, one with failed tests is remembered
  local status=0 before
  before=$(failed)
  "${pytest[@]}" "$@" || status=$?
  [ $status -eq 0 ] || { [ $status -eq 1 ] && [ "$(failed)" != "$before" ]; } || exit $status
}

rm -rf .pytest_cache
run -n 2 --dist loadfile "${whole[@]/#/--ignore=}"
run "${whole[@]}"

mapfile -t names < <(failed)
[ ${#names[@]} -gt 0 ] || exit 0
if [ ${#names[@]} -gt $most ]; then
  echo "${#names[@]} failures: too many for chance, not tried again." >&2
  exit 1
fi
printf 'Tried once more: %s\n' "${names[@]}" >&2
"${pytest[@]}" "${names[@]}"
printf 'Passed only at the second try: %s\n' "${names[@]}" >&2
