"""`python -m tests.cluster up|down|gpus|load|images`, which `make cluster` and `make cluster-down` call: the edge.

Exit codes as of `vedette`: 0 done, 1 unexpected, 2 refused, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from appliance.contracts.errors import Code, VedetteError
from tests.cluster import preflight, programs
from tests.cluster.cluster import Cluster, clear
from tests.cluster.joined import CARDS
from tests.cluster.kubectl import KubectlError
from tests.cluster.layout import GPU, NODES, Layout
from tests.cluster.product import product
from tests.cluster.programs import Programs
from tests.cluster.running import EndedError


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        layout = Layout(asked.folder or _folder())
        preflight.check()
        with preflight.sole(layout):
            asked.verb(layout, asked)
    except VedetteError as error:
        print(error.reason, file=sys.stderr)
        return 2
    except (RuntimeError, TimeoutError, KubectlError) as error:
        print(f"The cluster failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was begun is removed.", file=sys.stderr)
        return 130
    return 0


def _up(layout: Layout, asked: argparse.Namespace) -> None:
    built = programs.built()
    cluster = Cluster(layout, built, orphans=True)
    if not _healthy(cluster):
        began = time.monotonic()
        try:
            cluster.up()
        except BaseException:
            clear(layout)
            raise
        print(f"Started in {time.monotonic() - began:.1f} s.")
    _tell(cluster, built)


def _healthy(cluster: Cluster) -> bool:
    """Whether an earlier `up` left one that wants nothing."""
    try:
        return not cluster.running.ended() and all(cluster.node(name).ready for name in ("plain", "gpu"))
    except (EndedError, KubectlError):
        return False


def _tell(cluster: Cluster, built: Programs) -> None:
    version = cluster.kubectl.get("node", "gpu")["status"]["nodeInfo"]["kubeletVersion"]
    print(f"Kubernetes {version} with the nodes plain and gpu. To use it from this shell:")
    print(f"  export KUBECONFIG={cluster.layout.kubeconfig} PATH={built.kubernetes}:$PATH")
    print("  kubectl get nodes")
    print("`make cluster-down` removes it with all it holds.")


def _down(layout: Layout, asked: argparse.Namespace) -> None:
    print("The cluster is gone." if clear(layout) else "There is no cluster.")


def _gpus(layout: Layout, asked: argparse.Namespace) -> None:
    if not 0 <= asked.healthy <= CARDS:
        raise VedetteError(Code.INVALID, f"The GPU node has {CARDS} cards, not {asked.healthy}.", f"Say 0 to {CARDS}.")
    _existing(layout).node(GPU).set_gpus(healthy=asked.healthy)


def _load(layout: Layout, asked: argparse.Namespace) -> None:
    cluster = _existing(layout)
    for archive in asked.archives:
        try:
            cluster.load(archive, nodes=asked.nodes or NODES)
        except OSError as error:
            raise VedetteError(
                Code.UNREADABLE, f"{archive} cannot be read: {error.strerror}.", "Name an archive."
            ) from error


def _images(layout: Layout, asked: argparse.Namespace) -> None:
    _existing(layout).load(product(*asked.names), nodes=asked.nodes or NODES)


def _existing(layout: Layout) -> Cluster:
    if not layout.state.exists():
        raise VedetteError(Code.NOT_FOUND, "There is no cluster.", "Start one: make cluster.")
    return Cluster(layout, programs.built(), orphans=True)


def _folder() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "vedette-cluster"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description="A real Kubernetes on this machine.")
    parser.add_argument(
        "--folder", type=Path, help="where the cluster lives (default: vedette-cluster in XDG_DATA_HOME)"
    )
    verbs = parser.add_subparsers(required=True)
    verbs.add_parser("up", help="start it, unless it runs").set_defaults(verb=_up)
    verbs.add_parser("down", help="end and remove it").set_defaults(verb=_down)
    gpus = verbs.add_parser("gpus", help="make cards of the GPU node unhealthy, or well again")
    gpus.add_argument("healthy", type=int, help="how many of them work")
    gpus.set_defaults(verb=_gpus)
    load = verbs.add_parser("load", help="bring images to the nodes")
    load.add_argument("archives", type=Path, nargs="+", help="OCI or docker archives")
    load.set_defaults(verb=_load)
    images = verbs.add_parser("images", help="bring what `make images` built to the nodes")
    images.add_argument("names", nargs="*", metavar="NAME", help="all that were built, unless some are named")
    images.set_defaults(verb=_images)
    for verb in (load, images):
        verb.add_argument("--node", dest="nodes", action="append", choices=NODES, help="to this one only")
    return parser


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
