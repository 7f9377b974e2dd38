"""A kubeconfig: how one client finds the API server and proves who it is. Pure; certificates inside, no path."""

from __future__ import annotations

import base64
import json

from tests.cluster.pki import Pair


def kubeconfig(server: str, authority: bytes, client: Pair) -> str:
    """JSON, which every reader of YAML takes. `server` is the API server's address, `authority` its CA in PEM."""
    user = {"client-certificate-data": _text(client.certificate), "client-key-data": _text(client.key)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "vedette", "cluster": {"server": server, "certificate-authority-data": _text(authority)}}
        ],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "vedette", "context": {"cluster": "vedette", "user": "user"}}],
        "current-context": "vedette",
    }
    return json.dumps(document, indent=1)


def _text(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
