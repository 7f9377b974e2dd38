"""What keeps pods from serving, from the scheduler's and the kubelet's own words."""

from __future__ import annotations

import pytest
from vedette_operator.reconcile.observed import Pod
from vedette_operator.reconcile.pods import trouble

_GPU = (
    "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient nvidia.com/gpu. preemption: 0/3."
)
_SELECTOR = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
_TAINT = "0/3 nodes are available: 3 node(s) had untolerated taint {a: b}."


@pytest.mark.parametrize(
    ("pod", "reason", "names"),
    [
        (Pod("p", "d", unschedulable=_GPU), "InsufficientResources", "nvidia.com/gpu"),
        (
            Pod("p", "d", unschedulable="0/1: 1 Insufficient cpu, 1 Insufficient memory."),
            "InsufficientResources",
            "cpu and memory",
        ),
        (Pod("p", "d", unschedulable=_SELECTOR), "NoNodeMatches", "spec.nodeSelector"),
        (Pod("p", "d", unschedulable=_TAINT), "NoTolerableNode", "spec.tolerations"),
        (Pod("p", "d", waiting="ImagePullBackOff"), "ImageMissing", "import it there"),
        (Pod("p", "d", waiting="CrashLoopBackOff", exit_code=137), "PodFailing", "exit code 137"),
    ],
)
def test_the_reason_names_what_is_missing(pod: Pod, reason: str, names: str) -> None:
    found = trouble([Pod("healthy", "d", ready=True), pod])
    assert found is not None
    assert found.reason == reason
    assert names in found.message
    assert "p" in found.message


def test_pods_that_serve_or_start_are_no_trouble() -> None:
    assert trouble([Pod("a", "d", ready=True), Pod("b", "d", waiting="ContainerCreating")]) is None


def test_the_order_of_pods_does_not_matter() -> None:
    pods = [Pod("a", "d", unschedulable=_GPU), Pod("b", "d", waiting="ImagePullBackOff")]
    assert trouble(pods) == trouble(reversed(pods))
