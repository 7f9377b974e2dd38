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
from tests.cluster import kind_cluster, preflight, programs
from tests.cluster.cluster import Cluster
from tests.cluster.joined import CARDS
from tests.cluster.kubectl import KubectlError
from tests.cluster.layout import GPU, NODES, Layout
from tests.cluster.product import product
from tests.cluster.target import Target


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        target = _target(asked)
        with preflight.sole(target.layout):
            asked.verb(target, asked)
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


def _up(target: Target, asked: argparse.Namespace) -> None:
    if not target.healthy:
        began = time.monotonic()
        try:
            target.up()
        except BaseException:
            target.down()
            raise
        print(f"Started in {time.monotonic() - began:.1f} s.")
    version = target.kubectl.get("node", "gpu")["status"]["nodeInfo"]["kubeletVersion"]
    print(f"Kubernetes {version} with the nodes plain and gpu. To use it from this shell:")
    print(f"  export KUBECONFIG={target.layout.kubeconfig} PATH={Path(target.kubectl.program).parent}:$PATH")
    print("  kubectl get nodes")
    print(f"`make cluster{'-kind' if asked.kind else ''}-down` removes it with all it holds.")


def _down(target: Target, asked: argparse.Namespace) -> None:
    print("The cluster is gone." if target.down() else "There is no cluster.")


def _gpus(target: Target, asked: argparse.Namespace) -> None:
    if not 0 <= asked.healthy <= CARDS:
        raise VedetteError(Code.INVALID, f"The GPU node has {CARDS} cards, not {asked.healthy}.", f"Say 0 to {CARDS}.")
    _existing(target).node(GPU).set_gpus(healthy=asked.healthy)


def _load(target: Target, asked: argparse.Namespace) -> None:
    _existing(target)
    for archive in asked.archives:
        try:
            target.load(archive, nodes=asked.nodes or NODES)
        except OSError as error:
            raise VedetteError(
                Code.UNREADABLE, f"{archive} cannot be read: {error.strerror}.", "Name an archive."
            ) from error


def _images(target: Target, asked: argparse.Namespace) -> None:
    _existing(target).load(product(*asked.names), nodes=asked.nodes or NODES)


def _existing(target: Target) -> Target:
    if not target.exists:
        raise VedetteError(Code.NOT_FOUND, "There is no cluster.", "Start one: make cluster.")
    return target


def _target(asked: argparse.Namespace) -> Target:
    folder = asked.folder or _folder()
    if asked.kind:
        return kind_cluster.at(folder.with_name(f"{folder.name}-kind") if asked.folder is None else folder)
    preflight.check()
    return Cluster(Layout(folder), programs.built, orphans=True)


def _folder() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "vedette-cluster"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description="A real Kubernetes on this machine.")
    parser.add_argument(
        "--folder", type=Path, help="where the cluster lives (default: vedette-cluster in XDG_DATA_HOME)"
    )
    parser.add_argument("--kind", action="store_true", help="the one of kind, in a container engine")
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
