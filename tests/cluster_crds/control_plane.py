"""A control plane on loopback whose nodes are kwok's: the API server of api_server.py, kube-controller-manager, kube-scheduler
and kwok, four processes beside etcd. Pods are scheduled and said to run; nothing runs. Used by benchmarks/operator*.py.

The cluster of tests/cluster has kubelets, and so a few nodes; this one has as many nodes and pods as memory holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from appliance.standalone.ports import LOOPBACK, free_ports
from tests.cluster_crds.api_server import MASTERS, ApiServer, programs, service, serving
from tests.servers import running

CONTROLLERS = "controller-manager"
_SCHEDULER = "scheduler"
_KWOK = "kwok"
# Kubernetes' own bounds are for clusters whose pods take seconds to start; a burst of thousands would wait for them alone.
_UNHURRIED = ("--kube-api-qps=2000", "--kube-api-burst=4000")
# Debian's etcd 3.4 cannot stream lists. Told that there is no such thing, clients list; told that it fails, they try again.
_NO_STREAMED_LISTS = "--feature-gates=WatchList=false"
# Nodes of kwok say once that they are ready, and then nothing: what is measured at rest shall not be the nodes.
_NODE_GRACE = "24h"


@contextmanager
def control_plane(
    folder: Path, kwok_configuration: str, users: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()
) -> Iterator[ApiServer]:
    """All of it, ready; gone with its data afterwards. `kwok_configuration`: YAML with the stages of nodes and pods.

    `users` and `arguments` as in api_server.serving. kwok keeps the nodes that are labelled `type=kwok`.
    """
    own = {CONTROLLERS: MASTERS, _SCHEDULER: MASTERS, _KWOK: MASTERS}
    with ExitStack() as stack:
        api = stack.enter_context(serving(folder, {**own, **(users or {})}, (*arguments, _NO_STREAMED_LISTS)))
        for name, command in _commands(api, folder, kwok_configuration).items():
            port, scheme = free_ports(1)[0], "http" if name == _KWOK else "https"
            place = folder / name
            where = f"--server-address={LOOPBACK}:{port}" if name == _KWOK else f"--secure-port={port}"
            health = f"{scheme}://{LOOPBACK}:{port}/healthz"
            stack.enter_context(running(service(place, (*command, where), health), place))
        yield api


def _commands(api: ApiServer, folder: Path, kwok_configuration: str) -> dict[str, tuple[str, ...]]:
    built = programs()
    stages = folder / "kwok.yaml"
    stages.write_text(kwok_configuration)
    return {
        CONTROLLERS: (
            str(built / "kube-controller-manager"),
            f"--kubeconfig={api.kubeconfig_of(CONTROLLERS)}",
            *_loopback(folder / CONTROLLERS),
            f"--node-monitor-grace-period={_NODE_GRACE}",
            f"--flex-volume-plugin-dir={folder / 'volume-plugins'}",
            *_UNHURRIED,
        ),
        _SCHEDULER: (
            str(built / "kube-scheduler"),
            f"--kubeconfig={api.kubeconfig_of(_SCHEDULER)}",
            *_loopback(folder / _SCHEDULER),
            *_UNHURRIED,
        ),
        _KWOK: (
            str(programs("kwok") / "kwok"),
            f"--kubeconfig={api.kubeconfig_of(_KWOK)}",
            f"--config={stages}",
            "--manage-nodes-with-label-selector=type=kwok",
            "--node-lease-duration-seconds=0",
        ),
    }


def _loopback(folder: Path) -> tuple[str, ...]:
    return (f"--bind-address={LOOPBACK}", f"--cert-dir={folder / 'certificates'}", "--leader-elect=false")
