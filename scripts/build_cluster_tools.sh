#!/usr/bin/env bash
# Build the programs of the test cluster that the modules of tests/cluster/tools pin, into the cache, where they are not there yet.
# Nothing in the checkout changes. Prints, for each module asked for, the folder of its programs.
#   scripts/build_cluster_tools.sh [kubernetes] [coredns] [helm] [kube-score] [kwok] [kind]      (without any: the first two, which a cluster needs)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib.sh
source scripts/lib.sh

programs() { # module: the packages of its programs
  case $1 in
    kubernetes) echo k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kube-proxy,kubelet,kubectl} ./gpu ;;
    coredns) echo . ;;
    helm) echo helm.sh/helm/v3/cmd/helm ;;
    kube-score) echo github.com/zegl/kube-score/cmd/kube-score ;;
    kwok) echo sigs.k8s.io/kwok/cmd/kwok ;;
    kind) echo sigs.k8s.io/kind ;;
    *) fail "there is no module '$1' in tests/cluster/tools" "Use: kubernetes coredns helm kube-score kwok kind" ;;
  esac
}

stamps() { # module: what the linker writes into it; without this Kubernetes calls itself v0.0.0
  local version minor package
  [ "$1" = kubernetes ] || return 0
  version=$(sed -n 's|^\tk8s.io/kubernetes \(v.*\)$|\1|p' "tests/cluster/tools/$1/go.mod")
  minor=${version#v1.}
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- '-X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s ' "$package" "$version" "$package" "$package" "${minor%%.*}"
  done
}

build() { # module
  local module=tests/cluster/tools/$1 packages flags options digest target unfinished
  packages=$(programs "$1")
  read -ra packages <<<"$packages"
  flags=$(stamps "$1")
  # -mod=readonly: go.mod and go.sum stay as they are, and every module is checked against go.sum.
  options=(-mod=readonly -trimpath -ldflags "-s -w $flags")
  # By what is built and how, and not by this script: another module here must not build Kubernetes again.
  digest=$({ find "$module" -type f | LC_ALL=C sort | xargs sha256sum; echo "${options[@]}" "${packages[@]}"; } | sha256sum | cut -c1-16)
  target=$cache/cluster/$1-$digest
  if [ ! -d "$target" ]; then
    need_go
    mkdir -p "$cache/cluster"
    unfinished=$(mktemp -d "$target.XXXXXX")
    # shellcheck disable=SC2064  # this folder, whatever the variable says later
    trap "rm -rf '$unfinished'" EXIT
    say "Building $1 for the test cluster, once; minutes on two cores"
    (cd "$module" && CGO_ENABLED=0 nice go build "${options[@]}" -o "$unfinished/" "${packages[@]}")
    chmod 755 "$unfinished"
    mv -T "$unfinished" "$target"
  fi
  echo "$target"
}

for module in "${@:-kubernetes coredns}"; do
  for name in $module; do build "$name"; done
done
