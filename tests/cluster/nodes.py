"""A node: the files it reads and the processes it is made of. Starts nothing; cluster.py does.

All paths in here but `layout.var` are those inside the node, where /var is its own: as on any machine with a kubelet.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cluster.addresses import DNS_SERVICE, DOMAIN, POD_NETWORKS, SERVICES, Addresses, pods
from tests.cluster.files import private_folder, write, write_pair
from tests.cluster.images import PAUSE
from tests.cluster.joined import CARDS
from tests.cluster.kubeconfig import kubeconfig
from tests.cluster.layout import GPU, Layout
from tests.cluster.parts import Part
from tests.cluster.pki import Authority
from tests.cluster.programs import CNI, Programs

SOCKET = "/run/containerd/containerd.sock"
KUBELET = Path("/var/lib/kubelet")
_OURS = Path("/var/lib/vedette")
_GPUS = _OURS / "gpus"


def gpus_file(layout: Layout) -> Path:
    """Which cards the GPU node has, and their health, as this machine sees the file."""
    return _on_machine(layout, GPU, _GPUS)


def prepare(node: str, layout: Layout, addresses: Addresses, authority: Authority) -> None:
    """Write the files of a new node: certificates, kubeconfigs and settings."""
    own = _on_machine(layout, node, _OURS)
    for folder in ("lib/kubelet", "log", "tmp"):
        private_folder(layout.var(node) / folder)
    identity = authority.issue(f"system:node:{node}", ("system:nodes",), (node,), (addresses.node(node),))
    proxy = authority.issue("system:kube-proxy")
    certificate = authority.pair.certificate
    write_pair(own, "kubelet", identity)
    write(own / "authority.crt", certificate)
    write(own / "kubelet.kubeconfig", kubeconfig(addresses.api, certificate, identity))
    write(own / "proxy.kubeconfig", kubeconfig(addresses.api, certificate, proxy))
    write(own / "resolv.conf", f"nameserver {DNS_SERVICE}\n")
    write(own / "containerd.toml", _containerd())
    write(own / "kubelet.json", json.dumps(_kubelet(layout.cgroup(node)), indent=1))
    write(own / "proxy.json", json.dumps(_proxy(node), indent=1))
    if node == GPU:
        write(gpus_file(layout), "".join(f"gpu-{card} healthy\n" for card in range(CARDS)))
    write(own / "cni" / "10-pods.conflist", json.dumps(_cni(node, addresses), indent=1))


def parts(node: str, layout: Layout, addresses: Addresses, programs: Programs) -> tuple[Part, ...]:
    """In the order in which they are started."""

    def part(name: str, command: str, *arguments: str) -> Part:
        return Part(f"{name}@{node}", node, (command, *arguments))

    labels = ",".join(f"{key}={value}" for key, value in _labels(node).items())
    kubelet = (
        f"--config={_OURS / 'kubelet.json'}",
        f"--kubeconfig={_OURS / 'kubelet.kubeconfig'}",
        f"--root-dir={KUBELET}",
        f"--cert-dir={KUBELET / 'pki'}",
        f"--hostname-override={node}",
        f"--node-ip={addresses.node(node)}",
        f"--node-labels={labels}",
    )
    found = [
        part("containerd", "containerd", "--config", str(_OURS / "containerd.toml")),
        part("kubelet", programs.path("kubelet"), *kubelet),
        part("kube-proxy", programs.path("kube-proxy"), f"--config={_OURS / 'proxy.json'}"),
    ]
    if node == GPU:
        found.append(part("gpu-plugin", programs.path("gpu"), "-devices", str(_GPUS)))
    return tuple(found)


def _on_machine(layout: Layout, node: str, inside: Path) -> Path:
    return layout.var(node) / inside.relative_to("/var")


def _labels(node: str) -> dict[str, str]:
    return {"nvidia.com/gpu.present": "true"} if node == GPU else {"vedette.io/test-node": node}


def _containerd() -> str:
    return f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
address = "{SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
# Root may not lower oom_score_adj inside of most containers, and no pod would start.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI}"
conf_dir = "{_OURS / "cni"}"
"""


def _cni(node: str, addresses: Addresses) -> dict[str, Any]:
    """Each pod has a pair of interfaces to the node, which routes: nothing depends on filtering within a bridge.

    A pod has routes to pods, services and nodes, and none to the rest of the world: it need not even ask its node.
    """
    allocation = {
        "type": "host-local",
        "ranges": [[{"subnet": str(pods(node))}]],
        "routes": [{"dst": str(network)} for network in (POD_NETWORKS, SERVICES, addresses.network)],
        "dataDir": "/run/cni",
    }
    pair = {"type": "ptp", "ipMasq": False, "ipam": allocation}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [pair, ports]}


def _kubelet(cgroup: str) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "authentication": {"anonymous": {"enabled": False}, "x509": {"clientCAFile": str(_OURS / "authority.crt")}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(_OURS / "kubelet.crt"),
        "tlsPrivateKeyFile": str(_OURS / "kubelet.key"),
        "clusterDomain": DOMAIN,
        "clusterDNS": [str(DNS_SERVICE)],
        "resolvConf": str(_OURS / "resolv.conf"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",  # of its own, or the kubelets of two nodes delete each other's pods
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "volumePluginDir": str(KUBELET / "volume-plugins"),
        "imageGCHighThresholdPercent": 100,  # never: an image that was imported cannot be pulled again
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi"},
        "nodeStatusUpdateFrequency": "4s",
        "nodeLeaseDurationSeconds": 12,
        "shutdownGracePeriod": "0s",
    }


def _proxy(node: str) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(_OURS / "proxy.kubeconfig")},
        "hostnameOverride": node,
        "mode": "iptables",
        "detectLocalMode": "ClusterCIDR",
        "clusterCIDR": str(POD_NETWORKS),
        # The kernel's table of connections belongs to the machine.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "oomScoreAdj": 0,
    }
