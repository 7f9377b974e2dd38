#!/usr/bin/env bash
# What is tested with Kubernetes (arguments: a part of it, once). Builds the images first: only what has changed is made anew.
# First what needs a bare cluster or an API server alone, then the whole appliance, installed from its chart on a cluster of
# its own. A second try as in test_python.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/second_try.sh
source scripts/second_try.sh
parts=(tests/charts tests/cluster tests/cluster_crds tests/cluster_images tests/cluster_operator tests/cluster_page)
whole=tests/cluster_appliance

.venv/bin/python -m images build
[ $# -eq 0 ] || exec "${pytest[@]}" "$@"

rm -rf .pytest_cache
run "${parts[@]}"
run --timeout 1200 "$whole"
try_again
