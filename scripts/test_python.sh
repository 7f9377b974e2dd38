#!/usr/bin/env bash
# All of pytest but what needs a cluster (arguments: a part of it, once and in one process).
#
# First what looks at single parts, two files at a time, for it mostly waits; then, alone on the machine, what drives a whole
# appliance, a browser, a benchmark or trainers. Where the whole fails in a handful of places, these are run once more by themselves and
# named: on a busy machine a test that waits for a browser or a killed server may meet a pause that has nothing to do with the
# code. What fails twice, or in more places than that, is a failure (docs/adr/0015).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/second_try.sh
source scripts/second_try.sh
whole=(tests/benchmarks tests/browser tests/end_to_end tests/soak tests/standalone tests/training/cluster)

[ $# -eq 0 ] || exec "${pytest[@]}" "$@"

rm -rf .pytest_cache
run -n 2 --dist loadfile "${whole[@]/#/--ignore=}"
run "${whole[@]}"
try_again
