"""The programs of a cluster: ours from the cache, built there when they are missing, and those of the system's packages."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError

REPOSITORY = Path(__file__).parents[2]
CNI = Path("/usr/lib/cni")
# Debian's package of each program that is started by name.
SYSTEM = {
    "containerd": "containerd",
    "runc": "runc",
    "etcd": "etcd-server",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "busybox": "busybox-static",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mount": "mount",
    "gcc": "gcc libc6-dev",
}


@dataclass(frozen=True)
class Programs:
    kubernetes: Path
    coredns: Path

    def path(self, name: str) -> str:
        """Of a program that we build: kube-apiserver, kubelet, kubectl, gpu, coredns..."""
        return str((self.coredns if name == "coredns" else self.kubernetes) / name)


def require_system() -> None:
    """VedetteError that names the Debian packages to install when a program is missing."""
    missing = [package for program, package in SYSTEM.items() if shutil.which(program) is None]
    if not (CNI / "ptp").exists():
        missing.append("containernetworking-plugins")
    if missing:
        raise VedetteError(
            Code.NOT_FOUND,
            f"This machine lacks programs that a cluster is made of: {' '.join(missing)}.",
            "Run scripts/setup.sh cluster, which installs those Debian packages.",
        )


def built() -> Programs:
    """Takes a quarter of an hour on two cores the first time, and no time afterwards."""
    return Programs(*_folders("kubernetes", "coredns"))


def helm() -> Path:
    return _folders("helm")[0] / "helm"


def kind() -> Path:
    return _folders("kind")[0] / "kind"


def _folders(*modules: str) -> list[Path]:
    command = [str(REPOSITORY / "scripts" / "build_cluster_tools.sh"), *modules]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise VedetteError(
            Code.UNAVAILABLE,
            "The programs of the cluster could not be built.",
            "See what the build said above; scripts/build_cluster_tools.sh runs it again.",
        )
    return [Path(line) for line in done.stdout.splitlines()]
