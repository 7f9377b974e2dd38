"""The control plane: the files it reads and the processes it is made of. Starts nothing; cluster.py does."""

from __future__ import annotations

from tests.cluster.addresses import API_PORT, API_SERVICE, DOMAIN, SERVICES, Addresses
from tests.cluster.files import private_folder, write, write_pair
from tests.cluster.kubeconfig import kubeconfig
from tests.cluster.layout import CONTROL, Layout
from tests.cluster.parts import Part
from tests.cluster.pki import Authority, new_authority, new_signing_pair
from tests.cluster.programs import Programs

_ISSUER = f"https://kubernetes.default.svc.{DOMAIN}"
_API_HOSTS = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}")
_ADMINISTRATORS = "system:masters"
# Each client's name is bound to its role by the API server itself, but for CoreDNS's (bootstrap.py).
_CLIENTS = {
    "controller-manager": "system:kube-controller-manager",
    "scheduler": "system:kube-scheduler",
    "coredns": "system:coredns",
}
# How long a node may be silent before it counts as gone. Kubernetes waits 50 s; tests of faults should not.
_NODE_GRACE = "16s"


def prepare(layout: Layout, addresses: Addresses) -> Authority:
    """Write certificates and kubeconfigs of a new cluster. Returns its authority, which signs for the nodes, too."""
    authority = new_authority("vedette-test-cluster")
    write_pair(layout.pki, "authority", authority.pair)
    write_pair(layout.pki, "tokens", new_signing_pair())
    api = authority.issue(
        "kube-apiserver", hosts=(*_API_HOSTS, "localhost"), addresses=(addresses.control, API_SERVICE)
    )
    write_pair(layout.pki, "apiserver", api)
    write_pair(layout.pki, "kubelet-client", authority.issue("kube-apiserver-kubelet-client"))
    certificate = authority.pair.certificate
    for name, user in _CLIENTS.items():
        write(layout.control / f"{name}.kubeconfig", kubeconfig(addresses.api, certificate, authority.issue(user)))
    administrator = authority.issue("administrator", groups=(_ADMINISTRATORS,))
    write(layout.kubeconfig, kubeconfig(addresses.api, certificate, administrator))
    write(layout.control / "Corefile", _corefile(layout, addresses))
    private_folder(layout.control / "etcd")
    return authority


def parts(layout: Layout, addresses: Addresses, programs: Programs) -> tuple[Part, ...]:
    """In the order in which they are started; each waits by itself for those it needs."""

    def part(name: str, command: str, *arguments: str) -> Part:
        return Part(name, CONTROL, (command, *arguments))

    return (
        part("etcd", "etcd", *_etcd(layout)),
        part("kube-apiserver", programs.path("kube-apiserver"), *_api_server(layout, addresses)),
        part("kube-controller-manager", programs.path("kube-controller-manager"), *_controller_manager(layout)),
        part("kube-scheduler", programs.path("kube-scheduler"), *_scheduler(layout)),
        part("coredns", programs.path("coredns"), "-conf", str(layout.control / "Corefile")),
    )


def _etcd(layout: Layout) -> tuple[str, ...]:
    """On the loopback of the control place, where nobody but the control plane is. It writes without waiting for the disk."""
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    return (
        "--name=control",
        f"--data-dir={layout.control / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=control={peer}",
        "--unsafe-no-fsync",
    )


def _api_server(layout: Layout, addresses: Addresses) -> tuple[str, ...]:
    pki = layout.pki
    return (
        "--etcd-servers=http://127.0.0.1:2379",
        f"--advertise-address={addresses.control}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={pki / 'authority.crt'}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--kubelet-certificate-authority={pki / 'authority.crt'}",
        f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'kubelet-client.key'}",
        "--kubelet-preferred-address-types=InternalIP",  # names of nodes are in no DNS
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={pki / 'tokens.crt'}",
        f"--service-account-signing-key-file={pki / 'tokens.key'}",
        "--enable-aggregator-routing=true",  # webhooks are reached at their pods: there is no kube-proxy in this place
    )


def _controller_manager(layout: Layout) -> tuple[str, ...]:
    pki = layout.pki
    return (
        f"--kubeconfig={layout.control / 'controller-manager.kubeconfig'}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--root-ca-file={pki / 'authority.crt'}",
        f"--service-account-private-key-file={pki / 'tokens.key'}",
        f"--cluster-signing-cert-file={pki / 'authority.crt'}",
        f"--cluster-signing-key-file={pki / 'authority.key'}",
        f"--node-monitor-grace-period={_NODE_GRACE}",
        "--node-monitor-period=2s",
        f"--flex-volume-plugin-dir={layout.control / 'volume-plugins'}",  # else it makes one for the whole machine
    )


def _scheduler(layout: Layout) -> tuple[str, ...]:
    kubeconfig_path = layout.control / "scheduler.kubeconfig"
    return (f"--kubeconfig={kubeconfig_path}", "--bind-address=127.0.0.1", "--leader-elect=false")


def _corefile(layout: Layout, addresses: Addresses) -> str:
    """Names of the cluster, and no others: there is nowhere to ask on."""
    return f"""\
.:53 {{
    bind {addresses.control}
    errors
    ready 127.0.0.1:8181
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {layout.control / "coredns.kubeconfig"}
    }}
    cache 2
}}
"""
