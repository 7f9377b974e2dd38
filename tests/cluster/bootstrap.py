"""What a new cluster must hold before its first pod: who may do what, and the cluster's DNS. Pure: manifests."""

from __future__ import annotations

from typing import Any

from tests.cluster.addresses import DNS_SERVICE, Addresses

_RBAC = "rbac.authorization.k8s.io"


def manifests(addresses: Addresses) -> dict[str, Any]:
    """One list to apply. CoreDNS is a process of the control place, so its service names that address itself."""
    items = [
        _binding("vedette:kubelet-client", "system:kubelet-api-admin", "kube-apiserver-kubelet-client"),
        _coredns_role(),
        _binding("system:coredns", "system:coredns", "system:coredns"),
        _dns_service(),
        _dns_endpoint(addresses),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _binding(name: str, role: str, user: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
    }


def _coredns_role() -> dict[str, Any]:
    watched = {"": ["services", "namespaces"], "discovery.k8s.io": ["endpointslices"]}
    rules = [
        {"apiGroups": [group], "resources": resources, "verbs": ["list", "watch"]}
        for group, resources in watched.items()
    ]
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "system:coredns"},
        "rules": rules,
    }


def _dns_service() -> dict[str, Any]:
    ports = [{"name": f"dns-{name.lower()}", "port": 53, "protocol": name} for name in ("UDP", "TCP")]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {"clusterIP": str(DNS_SERVICE), "ports": ports},
    }


def _dns_endpoint(addresses: Addresses) -> dict[str, Any]:
    ports = [{"name": f"dns-{name.lower()}", "port": 53, "protocol": name} for name in ("UDP", "TCP")]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": [{"addresses": [str(addresses.control)], "conditions": {"ready": True}}],
    }
