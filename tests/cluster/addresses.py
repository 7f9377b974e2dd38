"""The addresses of a cluster: which network its nodes get, and who has which address in it. Pure; knows no interface.

The network of nodes is the only one that this machine sees, so it is chosen among those that the machine does not use;
those of pods and services exist within the cluster's own network namespaces only, and are the same in each cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from appliance.contracts.errors import Code, VedetteError
from tests.cluster.layout import NODES

SERVICES = IPv4Network("10.96.0.0/16")
POD_NETWORKS = IPv4Network("10.244.0.0/16")
API_SERVICE = SERVICES[1]
DNS_SERVICE = SERVICES[10]
DOMAIN = "cluster.local"
API_PORT = 6443
_FIRST_NODE = 11
_CANDIDATES = tuple(IPv4Network(f"172.31.{third}.0/24") for third in range(255, 199, -1))


@dataclass(frozen=True)
class Addresses:
    """Who has which address in `network`, a /24."""

    network: IPv4Network

    @property
    def control(self) -> IPv4Address:
        return self.network[1]

    @property
    def host(self) -> IPv4Address:
        """This machine's own end, by which kubectl comes in."""
        return self.network[254]

    @property
    def api(self) -> str:
        return f"https://{self.control}:{API_PORT}"

    def node(self, name: str) -> IPv4Address:
        return self.network[_FIRST_NODE + NODES.index(name)]


def pods(node: str) -> IPv4Network:
    """The network of the pods on this node."""
    return list(POD_NETWORKS.subnets(new_prefix=24))[NODES.index(node)]


def choose(taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first network for nodes that overlaps nothing in `taken`; VedetteError where there is none left."""
    used = tuple(taken)
    for network in _CANDIDATES:
        if not any(network.overlaps(other) for other in used):
            return network
    raise VedetteError(
        Code.CONFLICT,
        "This machine uses every network that a cluster could take for its nodes.",
        "Stop a cluster that is not needed: make cluster-down.",
    )
