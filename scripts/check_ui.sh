#!/usr/bin/env bash
# Types, lint and unit tests of the page.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
need_node
cd appliance/ui
npm run --silent check
npm test --silent
