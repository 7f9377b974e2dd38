#!/usr/bin/env bash
# Brings this machine to where `make demo` (runtime), `make images` (images), `make test` (dev) or `make cluster` (cluster) can run. Safe to run twice; does only what is missing.
# Downloads by package name only: Debian packages, Python wheels, npm packages, and Go modules: for dev the MinIO server's, for
# cluster those of Kubernetes.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

profile=${1:-runtime}
case $profile in runtime | images | dev | cluster) ;; *) fail "unknown profile '$profile'" "Use: scripts/setup.sh runtime|images|dev|cluster" ;; esac
# Images hold what runs, and are built by it; the tests of a cluster build some.
images=false
case $profile in images) images=true profile=runtime ;; cluster) images=true ;; esac
# A cluster is started by tests, so it needs all that they do.
cluster=false
[ "$profile" = cluster ] && cluster=true && profile=dev

need_system_packages() {
  local missing=()
  ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1 ||
    missing+=(postgresql-15 postgresql-15-postgis-3)
  command -v python3 >/dev/null || missing+=(python3)
  uv_path >/dev/null || python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  command -v git >/dev/null || missing+=(git)
  if [ "$profile" = dev ]; then
    [ -x /usr/bin/chromium ] || missing+=(chromium fonts-dejavu-core)
    # Tests compile a small library in the place of NVIDIA's.
    command -v gcc >/dev/null || missing+=(gcc libc6-dev)
    # The node that Playwright brings along is linked against it.
    [ -n "$(find /usr/lib -name 'libatomic.so.1' -print -quit)" ] || missing+=(libatomic1)
    # One of the benchmarks' peers comes with an OpenCV that wants it.
    [ -n "$(find /usr/lib -name 'libGL.so.1' -print -quit)" ] || missing+=(libgl1)
  fi
  if $images; then
    # The packages as images/debian.py and images/programs.py need them.
    command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
    command -v readelf >/dev/null || missing+=(binutils)
    command -v gcc >/dev/null || missing+=(gcc)
    [ -n "$(find /usr/lib -name libc.a -print -quit)" ] || missing+=(libc6-dev)
  fi
  if $cluster; then
    # The packages as tests/cluster/programs.py names them.
    local program
    for program in containerd runc iptables conntrack gcc; do command -v "$program" >/dev/null || missing+=("$program"); done
    command -v etcd >/dev/null || missing+=(etcd-server)
    command -v busybox >/dev/null || missing+=(busybox-static)
    [ -x /usr/lib/cni/ptp ] || missing+=(containernetworking-plugins)
    [ -n "$(find /usr/lib -name libc.a -print -quit)" ] || missing+=(libc6-dev)
    command -v ip >/dev/null || missing+=(iproute2)
  fi
  [ ${#missing[@]} -eq 0 ] || install_debian "${missing[@]}"
}

need_python() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "Python 3.11 or later is needed, found $(python3 --version 2>&1)" "On Debian 12 or later: apt install python3 python3-venv"
}

need_environment() {
  local lock=requirements/$profile.txt uv stamp
  # The development environment holds everything the runtime needs: do not take it away again.
  [ "$profile" = runtime ] && [ -f .venv/.vedette-dev ] && lock=requirements/dev.txt
  stamp=.venv/.vedette-$(basename "$lock" .txt)
  local key
  key=$(cat "$lock" pyproject.toml | sha256sum | cut -c1-16)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && [ -x .venv/bin/vedette ] && return
  say "Python environment .venv from $lock"
  uv=$(need_uv)
  [ -x .venv/bin/python ] || "$uv" venv --quiet --python "$(command -v python3)" .venv
  # --no-deps: the lock is complete, and leaves out what requirements/overrides.txt does.
  "$uv" pip install --quiet --python .venv/bin/python --require-hashes --no-deps -r "$lock"
  "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
  echo "$key" >"$stamp"
}

need_system_packages
need_python
need_environment
# uv alone installs for another Python than this machine's.
if $images; then need_uv >/dev/null; fi
scripts/build_ui.sh
if [ "$profile" = dev ]; then
  scripts/build_minio.sh >/dev/null
  .venv/bin/python -m benchmarks.environment >/dev/null
  .venv/bin/python -m benchmarks.rabbitmq >/dev/null
fi
if $cluster; then scripts/build_cluster_tools.sh >/dev/null; fi
