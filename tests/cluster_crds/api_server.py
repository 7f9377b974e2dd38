"""A real kube-apiserver with its etcd, two processes on loopback and no node: all that CRDs need. Used by conftest.py, and by
control_plane.py, which adds to it.

Its programs are those that `scripts/build_cluster_tools.sh` builds into the cache, besides etcd of Debian's etcd-server.
"""

from __future__ import annotations

import json
import secrets
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from Crypto.PublicKey import RSA

from appliance.standalone.ports import LOOPBACK, free_ports
from appliance.standalone.service import Service
from tests.servers import Server, running, temporary_folder

ROOT = Path(__file__).parents[2]
ADMINISTRATOR = "administrator"
MASTERS = "system:masters"
_BUILD = ROOT / "scripts" / "build_cluster_tools.sh"


class KubectlError(Exception):
    """What kubectl said when it ended with an error."""


@dataclass(frozen=True)
class ApiServer:
    """Asked by kubectl, as an administrator. `server`: its process, where it is not that of a whole control plane."""

    kubectl_program: Path
    kubeconfig: Path
    port: int = 0
    server: Server | None = None

    def kubeconfig_of(self, user: str) -> Path:
        """Of one of the `users` it was started with."""
        return self.kubeconfig.with_name(f"{user}.kubeconfig")

    def kubectl(self, *words: str, given: Any = None) -> str:
        """What it printed. `given` goes to its standard input as JSON. Raises KubectlError."""
        return self._run(words, given)[0]

    def said(self, *words: str, given: Any = None) -> str:
        """The same with its warnings."""
        return "".join(self._run(words, given))

    def _run(self, words: tuple[str, ...], given: Any) -> tuple[str, str]:
        environment = {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.kubeconfig.parent / "cache")}
        done = subprocess.run(
            [str(self.kubectl_program), *words],
            env=environment,
            input=None if given is None else json.dumps(given),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise KubectlError(done.stderr)
        return done.stdout, done.stderr

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json"))


def programs(module: str = "kubernetes") -> Path:
    """The folder of what the module builds; built the first time, a quarter of an hour on two cores for Kubernetes."""
    done = subprocess.run([str(_BUILD), module], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.splitlines()[-1])


@contextmanager
def serving(
    folder: Path, users: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()
) -> Iterator[ApiServer]:
    """One API server with nothing in it; gone with its data afterwards.

    `users`: others than the administrator, with the group of each (empty: none). `arguments`: more of kube-apiserver's.
    """
    built = programs()
    client, peer, port = free_ports(3)
    groups = {ADMINISTRATOR: MASTERS, **(users or {})}
    tokens = {user: secrets.token_hex(16) for user in groups}
    token = tokens[ADMINISTRATOR]
    (folder / "tokens.csv").write_text("".join(f'{tokens[user]},{user},{user},"{groups[user]}"\n' for user in groups))
    (folder / "accounts.key").write_bytes(RSA.generate(2048).export_key())
    files = {user: _kubeconfig(folder, user, tokens[user], port) for user in groups}
    etcd = service(folder / "etcd", _etcd(folder / "etcd", client, peer), f"http://{LOOPBACK}:{client}/health", None)
    command = (*_api_server(built / "kube-apiserver", folder, client, port), *arguments)
    api = service(folder / "api", command, f"https://{LOOPBACK}:{port}/readyz", token)
    with running(etcd, folder / "etcd"), running(api, folder / "api") as server:
        yield ApiServer(built / "kubectl", files[ADMINISTRATOR], port, server)


@contextmanager
def serving_ours() -> Iterator[ApiServer]:
    """One that has our CRDs, Established."""
    with temporary_folder() as folder, serving(folder) as server:
        server.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(ROOT / "crds"))
        yield server


def service(folder: Path, command: tuple[str, ...], health: str, token: str | None = None) -> Service:
    """A process with a folder of its own, ready when the address `health` answers. `token`: what it wants to be told there."""
    folder.mkdir(exist_ok=True)
    return Service(folder.name, command, folder, lambda _: _answers(health, token), ready_seconds=120)


def _answers(url: str, token: str | None) -> bool:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    # Its certificate is made by itself at its first start; kubectl then trusts that one only.
    trusting = ssl._create_unverified_context() if url.startswith("https:") else None
    try:
        with urllib.request.urlopen(request, timeout=5, context=trusting) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _kubeconfig(folder: Path, user: str, token: str, port: int) -> Path:
    context = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "test",
                "cluster": {
                    "server": f"https://{LOOPBACK}:{port}",
                    "certificate-authority": str(folder / "certificates" / "apiserver.crt"),
                },
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        "current-context": "test",
    }
    kubeconfig = folder / ("kubeconfig" if user == ADMINISTRATOR else f"{user}.kubeconfig")
    kubeconfig.write_text(json.dumps(context))
    kubeconfig.chmod(0o600)
    return kubeconfig


def _etcd(folder: Path, client: int, peer: int) -> tuple[str, ...]:
    program = shutil.which("etcd")
    assert program, "etcd is missing: apt install etcd-server"
    return (
        program,
        "--name=test",
        f"--data-dir={folder / 'data'}",
        f"--listen-client-urls=http://{LOOPBACK}:{client}",
        f"--advertise-client-urls=http://{LOOPBACK}:{client}",
        f"--listen-peer-urls=http://{LOOPBACK}:{peer}",
        f"--initial-advertise-peer-urls=http://{LOOPBACK}:{peer}",
        f"--initial-cluster=test=http://{LOOPBACK}:{peer}",
        "--unsafe-no-fsync",
    )


def _api_server(program: Path, folder: Path, etcd: int, port: int) -> tuple[str, ...]:
    return (
        str(program),
        f"--etcd-servers=http://{LOOPBACK}:{etcd}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        "--endpoint-reconciler-type=none",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'accounts.key'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
    )
