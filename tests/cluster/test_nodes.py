"""Two real nodes, and pods on them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster import programs
from tests.cluster.cluster import Cluster
from tests.cluster.kubectl import Kubectl, KubectlError
from tests.cluster.layout import NODES
from tests.cluster.pods import PodRunner


def test_both_nodes_are_ready_with_kubelets_of_the_pinned_version(cluster: Cluster) -> None:
    nodes = {node["metadata"]["name"]: node for node in cluster.kubectl.get("nodes")["items"]}
    assert set(nodes) == set(NODES)
    server = json.loads(cluster.kubectl("get", "--raw", "/version"))
    assert all(cluster.node(name).ready for name in NODES)
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes.values()} == {server["gitVersion"]}


@pytest.mark.parametrize("node", NODES)
def test_a_pod_runs_on_each_node_and_its_log_can_be_read(cluster: Cluster, pods: PodRunner, node: str) -> None:
    pods.run("speaker", ("sh", "-c", "echo I am here; sleep 3600"), node=node)
    assert pods.get("speaker")["spec"]["nodeName"] == node
    assert cluster.kubectl("-n", pods.namespace, "logs", "speaker") == "I am here\n"
    assert pods.inside("speaker", "hostname") == "speaker\n"


def test_a_pod_that_wants_more_memory_than_its_limit_is_killed(cluster: Cluster, pods: PodRunner) -> None:
    """Control groups are real. `sort` keeps all that it reads."""
    pods.run("greedy", ("sort", "/dev/zero"), limits={"memory": "32Mi"}, wait=False)
    cluster.running.wait_until("the end of the greedy pod", lambda: _end(pods.get("greedy")) == "OOMKilled")


def test_a_node_may_say_something_of_itself_and_nothing_of_the_other(cluster: Cluster) -> None:
    program = str(programs.built().kubernetes / "kubectl")
    plain = Kubectl(program, cluster.layout.var("plain") / "lib" / "vedette" / "kubelet.kubeconfig")
    plain("annotate", "node", "plain", "vedette.io/said=true", "--overwrite")
    with pytest.raises(KubectlError, match="only its own Node object"):
        plain("annotate", "node", "gpu", "vedette.io/said=true", "--overwrite")
    with pytest.raises(KubectlError, match="forbidden"):
        plain("get", "secrets", "--all-namespaces")


def _end(pod: Any) -> str:
    """Why its container ended, now or the last time; empty when it did not."""
    [container] = pod["status"].get("containerStatuses") or [{}]
    ends = [container.get(when, {}).get("terminated", {}).get("reason", "") for when in ("state", "lastState")]
    return next(filter(None, ends), "")
