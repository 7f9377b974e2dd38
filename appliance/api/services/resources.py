"""Detectors and TrainingJobs as the API server of the cluster keeps them, for the page's buttons. Called by routes/resources.py.

The same objects as by kubectl, written with our own service account; who asked stands in an annotation.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from appliance.api.needs_cluster import NeedsClusterError
from appliance.api.services.cluster import Cluster
from appliance.clients.kubernetes_kinds import Kind, Manifest
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.base import GROUP
from appliance.contracts.resources.objects import DetectorResource, TrainingJobResource
from appliance.contracts.resources.validate import resource as parsed

APPLIED_BY = f"{GROUP}/applied-by"
R = TypeVar("R", DetectorResource, TrainingJobResource)


class Resources(Generic[R]):
    """Of one kind. Every method raises NeedsClusterError in standalone mode, and what clients/kubernetes.py raises."""

    def __init__(self, cluster: Cluster | None, kind: Kind, model: type[R]) -> None:
        self._known, self._kind = cluster, kind
        self._model: type[R] = model

    async def page(self, cursor: str | None, limit: int) -> tuple[list[R], str | None]:
        """By name."""
        cluster = self._cluster()
        page = await cluster.kubernetes.page(self._kind, limit, cursor, cluster.namespace)
        return [self._read(each) for each in page.items], page.next

    async def get(self, name: str) -> R:
        cluster = self._cluster()
        return self._read(await cluster.kubernetes.get(self._kind, name, cluster.namespace))

    async def apply(self, wanted: R, who: str) -> R:
        """Make it, or make it what this says; what was given here before and is left out goes. Twice changes nothing."""
        cluster = self._cluster()
        given = wanted.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True, exclude={"status"})
        about = given["metadata"]
        if about.setdefault("namespace", cluster.namespace) != cluster.namespace:
            raise VedetteError(
                Code.INVALID,
                f"metadata.namespace: this appliance lives in {cluster.namespace}.",
                "Leave metadata.namespace out.",
            )
        labels = {"labels": about["labels"]} if "labels" in about else {}
        annotated = {"name": about["name"], "namespace": cluster.namespace, "annotations": {APPLIED_BY: who}, **labels}
        return self._read(await cluster.kubernetes.apply(self._kind, {**given, "metadata": annotated}))

    async def change(self, name: str, spec: dict[str, Any], who: str) -> R:
        """Some fields of its spec, by JSON merge patch: null takes one away."""
        cluster = self._cluster()
        about = {"name": name, "namespace": cluster.namespace, "annotations": {APPLIED_BY: who}}
        return self._read(await cluster.kubernetes.merge(self._kind, {"metadata": about, "spec": spec}))

    async def delete(self, name: str) -> None:
        cluster = self._cluster()
        await cluster.kubernetes.delete(self._kind, name, cluster.namespace)

    def _cluster(self) -> Cluster:
        if self._known is None:
            raise NeedsClusterError
        return self._known

    def _read(self, manifest: Manifest) -> R:
        name = manifest["metadata"]["name"]
        try:
            read = parsed(manifest, name)
        except VedetteError:
            # A status of a newer operator says more than this version knows.
            read = parsed({key: value for key, value in manifest.items() if key != "status"}, name)
        if not isinstance(read, self._model):
            raise VedetteError(Code.INTERNAL, f"{name} is a {read.kind}.", "Report this as a defect.")
        return read
