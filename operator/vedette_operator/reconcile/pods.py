"""Why pods do not serve, in words that name the missing resource or the failing pod. Pure; called by conditions.py."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vedette_operator.reconcile.observed import Pod

_SHORT = re.compile(r"Insufficient ([A-Za-z0-9./-]+?)[,.]?(?:\s|$)")
_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})


@dataclass(frozen=True)
class Trouble:
    """`reason` in one word, `message` for people with what would fix it."""

    reason: str
    message: str


def trouble(pods: Iterable[Pod]) -> Trouble | None:
    """The worst of what keeps pods from serving; None where nothing does. The same whatever the pods' order."""
    ordered = sorted(pods, key=lambda pod: pod.name)
    for find in (_image, _crash, _unschedulable):
        for pod in ordered:
            found = find(pod)
            if found is not None:
                return found
    return None


def _unschedulable(pod: Pod) -> Trouble | None:
    if not pod.unschedulable:
        return None
    short = sorted(set(_SHORT.findall(pod.unschedulable)))
    if short:
        names = " and ".join(short)
        return Trouble(
            "InsufficientResources", f"No node has enough {names} free for pod {pod.name}: free some, or ask for less."
        )
    if "affinity/selector" in pod.unschedulable:
        return Trouble(
            "NoNodeMatches",
            f"No node has the labels of spec.nodeSelector for pod {pod.name}: label one, or change them.",
        )
    if "taint" in pod.unschedulable:
        return Trouble(
            "NoTolerableNode",
            f"Every node has a taint that pod {pod.name} does not tolerate: add it to spec.tolerations.",
        )
    return Trouble("Unschedulable", f"Pod {pod.name} cannot be scheduled: {pod.unschedulable}")


def _image(pod: Pod) -> Trouble | None:
    if pod.waiting not in _IMAGE:
        return None
    return Trouble(
        "ImageMissing", f"The image of pod {pod.name} is not on its node: import it there. {pod.message}".strip()
    )


def _crash(pod: Pod) -> Trouble | None:
    if pod.ready or not (pod.waiting == "CrashLoopBackOff" or pod.exit_code):
        return None
    code = "" if pod.exit_code is None else f" with exit code {pod.exit_code}"
    return Trouble("PodFailing", f"Pod {pod.name} ended{code}. {pod.message}".strip())
