# pytest in parts, and a second try for a handful (docs/adr/0015). Sourced by test_python.sh and test_cluster.sh.

pytest=(.venv/bin/python -m pytest)
most=5

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

try_again() { # what failed, if it is a handful
  local names
  mapfile -t names < <(failed)
  [ ${#names[@]} -gt 0 ] || return 0
  if [ ${#names[@]} -gt $most ]; then
    echo "${#names[@]} failures: too many for chance, not tried again." >&2
    exit 1
  fi
  printf 'Tried once more: %s\n' "${names[@]}" >&2
  "${pytest[@]}" "${names[@]}"
  printf 'Passed only at the second try: %s\n' "${names[@]}" >&2
}
