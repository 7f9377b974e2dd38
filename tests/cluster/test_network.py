"""Pods reach each other, services and names across nodes; and nothing else in the world."""

from __future__ import annotations

import httpx
import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.kubectl import KubectlError, wait_until
from tests.cluster.layout import NODES
from tests.cluster.pods import FETCH, PodRunner, serve

# Addresses of documentation (RFC 5737, RFC 3849): they are nobody's.
_OUTSIDE = ("192.0.2.77", "198.51.100.7", "203.0.113.9")


@pytest.fixture
def service(cluster: Cluster, pods: PodRunner) -> str:
    """A service `greeter` whose one pod is on the GPU node."""
    pods.run("greeter", serve("hello"), node="gpu")
    cluster.kubectl(
        "-n", pods.namespace, "expose", "pod", "greeter", "--port=80", "--target-port=8080", "--type=NodePort"
    )
    return f"greeter.{pods.namespace}.svc.cluster.local"


@pytest.mark.parametrize("node", NODES)
def test_a_service_answers_by_name_from_both_nodes(pods: PodRunner, service: str, node: str) -> None:
    asker = pods.run("asker", node=node)
    said: list[str] = []

    def answers() -> bool:
        said.append(pods.inside(asker, *FETCH, f"http://{service}/"))
        return said[-1] == "hello\n"

    wait_until("the service's answer", answers)


def test_pods_of_different_nodes_reach_each_other_directly(pods: PodRunner, service: str) -> None:
    asker = pods.run("asker", node="plain")
    address = pods.get("greeter")["status"]["podIP"]
    wait_until(
        "the pod's answer",
        lambda: pods.inside(asker, *FETCH, f"http://{address}:8080/") == "hello\n",
    )


def test_the_api_server_answers_pods_by_name(pods: PodRunner) -> None:
    asker = pods.run("asker", node="gpu")
    found = pods.inside(asker, "nslookup", "kubernetes.default.svc.cluster.local")
    assert "10.96.0.1" in found
    assert pods.inside(asker, "nc", "-w", "20", "kubernetes.default.svc.cluster.local", "443", "-e", "true") == ""


def test_a_node_port_answers_this_machine(cluster: Cluster, pods: PodRunner, service: str) -> None:
    port = cluster.kubectl.get("-n", pods.namespace, "service", "greeter")["spec"]["ports"][0]["nodePort"]
    address = cluster.running.addresses.node("plain")

    def answers() -> bool:
        try:
            return httpx.get(f"http://{address}:{port}/", timeout=5, trust_env=False).text == "hello\n"
        except httpx.TransportError:
            return False

    wait_until("the node port's answer", answers)


@pytest.mark.parametrize("node", NODES)
def test_a_pod_has_no_way_out_and_learns_it_at_once(cluster: Cluster, pods: PodRunner, node: str) -> None:
    """No time-out: there is no route, and the kernel says so. Not even this machine itself is there for a pod."""
    prisoner = pods.run("prisoner", node=node)
    own = str(cluster.running.addresses.host)
    for address in (*_OUTSIDE, own):
        with pytest.raises(KubectlError, match="Network is unreachable"):
            pods.inside(prisoner, "nc", "-w", "30", address, "443", "-e", "true")
    with pytest.raises(KubectlError):
        pods.inside(prisoner, "nslookup", "example.com")


@pytest.mark.parametrize("node", NODES)
def test_a_node_has_no_default_route(cluster: Cluster, node: str) -> None:
    for family in ("-4", "-6"):
        assert cluster.node(node).run("ip", family, "route", "show", "default").stdout == ""
    assert "unreachable" in cluster.node(node).run("ip", "route", "get", _OUTSIDE[0]).stderr.lower()
