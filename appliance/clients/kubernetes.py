"""The Kubernetes API for asyncio: a thin client over lightkube, in which objects are plain values. Used by the API, which
reads and writes our resources, and by the operator. Knows nothing of what the objects mean.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx2
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import SERVICE_ACCOUNT, KubeConfig
from lightkube.core.exceptions import ConfigError
from lightkube.core.generic_client import BasicRequest, GenericAsyncClient
from lightkube.types import PatchType

from appliance.clients import kubernetes_watch
from appliance.clients.kubernetes_errors import GONE, translated
from appliance.clients.kubernetes_kinds import EVENTS, Kind, Manifest
from appliance.clients.kubernetes_watch import Watched
from appliance.contracts.base import now

_TIMEOUT = httpx2.Timeout(15, connect=5)
_PAGE = 500
_MOST_OBJECTS = 50_000
_NOTE_BYTES = 1024
Propagation = Literal["Background", "Foreground", "Orphan"]


@dataclass(frozen=True)
class Page:
    """`next`: the cursor of the page after; None: there is none. `version`: of the collection, for a watch."""

    items: list[Manifest]
    next: str | None
    version: str


@dataclass(frozen=True)
class Happening:
    """What `kubectl describe` shows below an object. `reason` is one word, `action` what was done."""

    warning: bool
    reason: str
    action: str
    note: str


class Kubernetes:
    """Every method raises VedetteError: UNAVAILABLE (retryable) while the API server is away, NOT_FOUND, CONFLICT, FORBIDDEN,
    or INVALID with the API server's own sentence. Without `namespace`: that of the service account or of KUBECONFIG.
    `manager` is the field manager: what it leaves out of a later `apply` is taken away, what others own is left."""

    def __init__(self, client: GenericAsyncClient, manager: str) -> None:
        self._client, self._manager = client, manager

    @classmethod
    def from_environment(cls, manager: str) -> Kubernetes:
        """With the service account of the pod, else with the file of KUBECONFIG; asks no server. Raises VedetteError."""
        with translated("its address"):
            connection = ConnectionParams(timeout=_TIMEOUT, trust_env=False)
            return cls(GenericAsyncClient(connection, _configuration(), field_manager=manager), manager)

    @property
    def namespace(self) -> str:
        return str(self._client.namespace)

    async def close(self) -> None:
        await self._client.close()

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Manifest:
        return await self._ask(self._client.prepare_request("get", kind.address, name=name, namespace=namespace), name)

    async def page(self, kind: Kind, limit: int, cursor: str | None = None, namespace: str | None = None) -> Page:
        """In the order of names. A cursor is good for five minutes, then it is refused as CONFLICT."""
        return await self._page(kind, {"limit": str(limit), "continue": cursor}, namespace)

    async def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> Page:
        """All there are, asked for by the page. `labels` as kubectl's -l takes it."""
        found: list[Manifest] = []
        cursor: str | None = None
        while True:
            wanted = {"limit": str(_PAGE), "continue": cursor, "labelSelector": labels or None}
            page = await self._page(kind, wanted, namespace)
            found += page.items
            cursor = page.next
            if cursor is None or len(found) >= _MOST_OBJECTS:
                return Page(found, None, page.version)

    async def _page(self, kind: Kind, wanted: dict[str, str | None], namespace: str | None) -> Page:
        said = await self._ask(
            self._client.prepare_request("list", kind.address, namespace=namespace, params=wanted), kind.plural
        )
        about = said.get("metadata") or {}
        named = {"apiVersion": kind.api_version, "kind": kind.kind}  # which the API server leaves out in lists
        items = [{**named, **each} for each in said.get("items") or []]
        return Page(items, about.get("continue") or None, str(about.get("resourceVersion") or ""))

    def watch(self, kind: Kind, namespace: str | None = None, labels: str = "") -> AsyncGenerator[Watched, None]:
        """All there are, then every change; goes on by itself until cancelled. Use contextlib.aclosing."""
        return kubernetes_watch.watch(
            kind,
            lambda: self.list(kind, namespace, labels),
            lambda version: self._changes(kind, namespace, labels, version),
        )

    def _changes(self, kind: Kind, namespace: str | None, labels: str, version: str) -> AsyncGenerator[Any, None]:
        wanted = kubernetes_watch.wanted(version, labels)
        request = self._client.prepare_request("list", kind.address, namespace=namespace, watch=True, params=wanted)
        request.timeout = kubernetes_watch.TIMEOUT
        return kubernetes_watch.lines(self._client, request, kind.plural)

    async def apply(self, kind: Kind, manifest: Manifest, *, force: bool = True) -> Manifest:
        """Server-side apply: made when it is not there; twice changes nothing. With `force` fields of others are taken over."""
        return await self._patch(kind, manifest, PatchType.APPLY, status=False, force=force)

    async def merge(self, kind: Kind, manifest: Manifest, *, status: bool = False) -> Manifest:
        """JSON merge patch: what `manifest` names is changed, null takes away. With metadata.resourceVersion CONFLICT is
        raised when somebody was faster. Raises NOT_FOUND when the object is gone."""
        return await self._patch(kind, manifest, PatchType.MERGE, status=status)

    async def _patch(
        self, kind: Kind, manifest: Manifest, how: PatchType, *, status: bool, force: bool = False
    ) -> Manifest:
        about = manifest["metadata"]
        whole = {"apiVersion": kind.api_version, "kind": kind.kind, **manifest}
        request = self._client.prepare_request(
            "patch",
            kind.status_address if status else kind.address,
            whole,
            about["name"],
            about.get("namespace"),
            headers={"Content-Type": how.value},
            params={"force": "true" if force else None, "fieldValidation": "Strict"},
        )
        return await self._ask(request, about["name"])

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Raises CONFLICT when it is there."""
        about = manifest["metadata"]
        whole = {"apiVersion": kind.api_version, "kind": kind.kind, **manifest}
        request = self._client.prepare_request("list", kind.address, namespace=about.get("namespace"))
        request.method, request.data = "POST", whole
        request.params = {"fieldManager": self._manager, "fieldValidation": "Strict"}
        return await self._ask(request, str(about.get("name") or about.get("generateName")))

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        propagation: Propagation = "Background",
        uid: str | None = None,
    ) -> None:
        """With `uid` only that very object: CONFLICT when another has the name by now. Raises NOT_FOUND."""
        request = self._client.prepare_request("delete", kind.address, name=name, namespace=namespace)
        preconditions = {"preconditions": {"uid": uid}} if uid else {}
        request.data = {"propagationPolicy": propagation, **preconditions}
        await self._ask(request, name)

    async def record(self, regarding: Manifest, happening: Happening) -> None:
        """An event of `regarding`, which is a whole object."""
        about = regarding["metadata"]
        await self.create(EVENTS, _event(regarding, about, happening, self._manager))

    async def _ask(self, request: BasicRequest, subject: str) -> Manifest:
        with translated(subject):
            response = await self._client.send(self._client.build_adapter_request(request))
            response.raise_for_status()
            found: Manifest = json.loads(response.content)
            return found


def _event(regarding: Manifest, about: Manifest, happening: Happening, manager: str) -> Manifest:
    return {
        "metadata": {"generateName": f"{about['name']}-", "namespace": about["namespace"]},
        "regarding": {
            "apiVersion": regarding["apiVersion"],
            "kind": regarding["kind"],
            "name": about["name"],
            "namespace": about["namespace"],
            "uid": about.get("uid"),
        },
        "type": "Warning" if happening.warning else "Normal",
        "reason": happening.reason,
        "action": happening.action,
        "note": happening.note.encode()[:_NOTE_BYTES].decode(errors="ignore"),
        "eventTime": now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"vedette.io/{manager}",
        "reportingInstance": os.environ.get("HOSTNAME") or manager,
    }


def _configuration() -> KubeConfig:
    """Raises ConfigError where there is neither."""
    if (Path(SERVICE_ACCOUNT) / "token").is_file():
        return KubeConfig.from_service_account()
    named = os.environ.get("KUBECONFIG")
    if not named:
        raise ConfigError("there is no service account, and KUBECONFIG is not set")
    return KubeConfig.from_file(named)


__all__ = ["GONE", "Happening", "Kubernetes", "Page", "Watched"]
