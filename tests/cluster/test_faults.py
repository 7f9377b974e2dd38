"""Parts that are killed are noticed, and the cluster is well again when they are back."""

from __future__ import annotations

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.kubectl import KubectlError
from tests.cluster.pods import FETCH, PodRunner, serve
from tests.cluster.running import EndedError


def test_a_killed_api_server_answers_nobody_and_comes_back_with_all_it_knew(cluster: Cluster, pods: PodRunner) -> None:
    pods.run("witness")
    cluster.kill("kube-apiserver")
    with pytest.raises(KubectlError):
        cluster.kubectl("get", "--raw", "/readyz")
    cluster.start("kube-apiserver")
    cluster.running.wait_until("the API server's return", lambda: cluster.kubectl("get", "--raw", "/readyz") == "ok")
    pods.wait("witness")
    pods.run("after")


def test_a_node_whose_kubelet_is_killed_is_soon_not_ready_and_its_pods_live_on(
    cluster: Cluster, pods: PodRunner
) -> None:
    pods.run("survivor", node="plain")
    before = pods.get("survivor")["status"]["containerStatuses"][0]["containerID"]
    cluster.kill("kubelet@plain")
    cluster.running.wait_until("notice of the dead kubelet", lambda: not cluster.node("plain").ready)
    cluster.start("kubelet@plain")
    cluster.node("plain").wait_ready()
    pods.wait("survivor")
    after = pods.get("survivor")["status"]["containerStatuses"][0]
    assert (after["containerID"], after["restartCount"]) == (before, 0)


def test_a_node_that_loses_power_boots_from_its_disk_and_runs_its_pods_again(cluster: Cluster, pods: PodRunner) -> None:
    pods.run("phoenix", serve("risen"), node="gpu")
    node = cluster.node("gpu")
    node.stop()
    cluster.running.wait_until("notice of the lost node", lambda: not node.ready)
    node.start()
    node.wait_ready()
    cluster.running.wait_until(
        "the pod's second life",
        lambda: (
            pods.get("phoenix")["status"]["containerStatuses"][0]["restartCount"] == 1
            and pods.inside("phoenix", *FETCH, "http://127.0.0.1:8080/") == "risen\n"
        ),
    )


def test_a_part_that_ends_by_itself_is_named_with_what_it_said(cluster: Cluster) -> None:
    process = cluster.running.found("kube-scheduler")
    assert process is not None
    process.end()
    with pytest.raises(EndedError, match=r"kube-scheduler ended. It said last:\n"):
        cluster.running.wait_until("nothing", lambda: False)
    cluster.start("kube-scheduler")
    assert cluster.running.ended() == []
