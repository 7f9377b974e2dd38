#!/usr/bin/env bash
# Builds the page into appliance/ui/dist; does nothing while its sources, the document it links and the API's contract are unchanged.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

contract=$(mktemp)
trap 'rm -f "$contract"' EXIT
.venv/bin/python -m appliance.api.openapi >"$contract"
key=$({ cat "$contract" docs/custom-resources.md; git -C appliance/ui ls-files -co --exclude-standard -z | sort -z | (cd appliance/ui && xargs -0 sha256sum); } | sha256sum | cut -c1-16)
[ -f appliance/ui/dist/.key ] && [ "$(cat appliance/ui/dist/.key)" = "$key" ] && exit 0

need_node
cd appliance/ui
lock=$(sha256sum package-lock.json | cut -c1-16)
if [ ! -f node_modules/.vedette ] || [ "$(cat node_modules/.vedette)" != "$lock" ]; then
  say "npm packages of the page"
  npm ci --silent --no-audit --no-fund --ignore-scripts
  echo "$lock" >node_modules/.vedette
fi
say "the page"
npm run --silent build
echo "$key" >dist/.key
