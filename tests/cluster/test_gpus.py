"""Cards of the GPU node: counted, handed to one pod only, and gone from the count when they are unwell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.joined import CARDS, RESOURCE
from tests.cluster.pods import PodRunner

_ONE = {RESOURCE: "1"}


@pytest.fixture
def cards(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, whose cards are all well again afterwards."""
    yield cluster
    cluster.node("gpu").set_gpus(healthy=CARDS)
    _await_cards(cluster, CARDS)


def _await_cards(cluster: Cluster, count: int) -> None:
    node = cluster.node("gpu")
    cluster.running.wait_until(f"{count} cards of the GPU node", lambda: node.allocatable(RESOURCE) == count)


def _card(pods: PodRunner, name: str) -> str:
    """What the plugin told the container."""
    return pods.inside(name, "sh", "-c", "echo $NVIDIA_VISIBLE_DEVICES").strip()


def test_only_the_gpu_node_has_cards(cluster: Cluster) -> None:
    _await_cards(cluster, CARDS)
    assert cluster.node("plain").allocatable(RESOURCE) == 0


def test_a_pod_that_wants_a_card_lands_where_there_is_one_and_has_it_alone(cards: Cluster, pods: PodRunner) -> None:
    _await_cards(cards, CARDS)
    names = [pods.run(f"worker-{number}", limits=_ONE) for number in range(CARDS)]
    assert {pods.get(name)["spec"]["nodeName"] for name in names} == {"gpu"}
    seen = {_card(pods, name) for name in names}
    assert seen == {f"gpu-{card}" for card in range(CARDS)}
    pods.run("late", limits=_ONE, wait=False)
    pods.wait_unscheduled("late", f"Insufficient {RESOURCE}")
    pods.delete(names[0])
    pods.wait("late")


def test_an_unwell_card_cannot_be_allocated_and_a_well_one_can_again(cards: Cluster, pods: PodRunner) -> None:
    node = cards.node("gpu")
    node.set_gpus(healthy=0)
    _await_cards(cards, 0)
    pods.run("patient", limits=_ONE, wait=False)
    pods.wait_unscheduled("patient", f"Insufficient {RESOURCE}")
    node.set_gpus(healthy=1)
    _await_cards(cards, 1)
    pods.wait("patient")
    assert _card(pods, "patient") == "gpu-0"


def test_cards_come_back_after_the_plugin_and_after_the_kubelet_were_killed(cards: Cluster) -> None:
    for part in ("gpu-plugin@gpu", "kubelet@gpu"):
        cards.kill(part)
        cards.start(part)
        cards.node("gpu").set_gpus(healthy=1)
        _await_cards(cards, 1)
        cards.node("gpu").set_gpus(healthy=CARDS)
        _await_cards(cards, CARDS)
