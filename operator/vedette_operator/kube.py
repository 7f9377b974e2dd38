"""Carries out a Plan on the API server. Called by controller.py; knows nothing of why.

Everything in it can be done twice: an operator that is killed half way is followed by one that begins again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from appliance.clients import logging
from appliance.clients.kubernetes import Happening, Kubernetes
from appliance.clients.kubernetes_kinds import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    DETECTORS,
    JOBS,
    PODS,
    SERVICES,
    TRAINING_JOBS,
    Kind,
)
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.objects import AnyResource
from vedette_operator import seen
from vedette_operator.build.manifest import Manifest, key
from vedette_operator.cache import Cache
from vedette_operator.errors import ForeignChildError, RefusedChildError
from vedette_operator.metrics import Metrics
from vedette_operator.reconcile.plan import Event, Handover
from vedette_operator.translate import translated

T = TypeVar("T")
KINDS: dict[str, Kind] = {
    each.kind: each for each in (DETECTORS, TRAINING_JOBS, DEPLOYMENTS, JOBS, PODS, CONFIG_MAPS, SERVICES)
}


@dataclass(frozen=True)
class Cluster:
    """`client` writes as vedette-operator, `handing` as vedette-trainingjob: a package handed over is no wish of the operator."""

    client: Kubernetes
    handing: Kubernetes
    cache: Cache
    metrics: Metrics

    async def apply(self, owner: AnyResource, manifest: Manifest) -> None:
        """Raises ForeignChildError, RefusedChildError, VedetteError (retryable)."""
        known = self.cache.get(key(manifest)) or await self._made(manifest)
        if known is not None:
            self._ours(owner, known)
            await self._applied(manifest, force=True)

    async def _made(self, manifest: Manifest) -> seen.Seen | None:
        """Make it. Without force what somebody else has under that name is a conflict and not taken over: it is returned."""
        try:
            await self._applied(manifest, force=False)
        except VedetteError as error:
            if error.reason.code is not Code.CONFLICT:
                raise
            kind, name = key(manifest)
            return translated(await self._counted("get", kind, self.client.get(KINDS[kind], name)))
        return None

    async def _applied(self, manifest: Manifest, force: bool) -> None:
        kind, name = key(manifest)
        try:
            made = await self._counted("apply", kind, self.client.apply(KINDS[kind], manifest, force=force))
        except VedetteError as error:
            if error.reason.code in (Code.INVALID, Code.FORBIDDEN, Code.TOO_LARGE):
                message = f"{kind} {name} is not taken by the API server: {error.reason}"
                raise RefusedChildError("ChildRefused", message) from error
            raise
        self.cache.put(translated(made))

    @staticmethod
    def _ours(owner: AnyResource, known: seen.Seen) -> None:
        if known.owner is None or known.owner.uid != owner.metadata.uid:
            remedy = "Delete or rename it, or give this one another name."
            whose = f"{known.owner.kind} {known.owner.name}" if known.owner else "somebody else"
            raise ForeignChildError("ForeignChild", f"{known.kind} {known.name} belongs to {whose}. {remedy}")

    async def suspend(self, name: str, waits: bool) -> None:
        change = {"metadata": {"name": name}, "spec": {"suspend": waits}}
        await self._merge("Job", change)

    async def _merge(self, kind: str, change: dict[str, Any]) -> None:
        made = await self._counted("patch", kind, self.client.merge(KINDS[kind], change))
        self.cache.put(translated(made))

    async def delete(self, found: seen.Seen) -> None:
        """That very object and, in the background, what it owns. One that is gone already is no error."""
        try:
            await self._counted("delete", found.kind, self.client.delete(KINDS[found.kind], found.name, uid=found.uid))
        except VedetteError as error:
            if error.reason.code not in (Code.NOT_FOUND, Code.CONFLICT):
                raise
        self.cache.drop(found.key, found.uid)

    async def hand_over(self, handover: Handover) -> Event:
        """The detector's next version; says what came of it."""
        known = self.cache.custom(("Detector", handover.detector))
        if known is None or known.going:
            said = (
                f"Detector {handover.detector}, which was to get the package, is not there: make it with this package."
            )
            return Event("DetectorMissing", said, warning=True)
        model = {"storageUri": handover.storage_uri, "digest": handover.digest}
        # With its uid the detector is changed and never made: one that has gone meanwhile is a conflict.
        change = {"metadata": {"name": known.name, "uid": known.uid}, "spec": {"model": model}}
        try:
            await self._counted("apply", "Detector", self.handing.apply(DETECTORS, change))
        except VedetteError as error:
            if error.reason.retryable or error.reason.code is Code.CONFLICT:  # another has its name by now
                raise
            said = f"Detector {handover.detector} did not take the package: {error.reason}"
            return Event("HandOverRefused", said, warning=True)
        # The answer is kept from the cache: the watch brings it as news, and so the detector is looked at.
        return Event("HandedOver", f"Detector {handover.detector} tries {handover.storage_uri} now.")

    async def status(self, custom: seen.Custom, status: BaseModel | dict[str, Any]) -> None:
        """Of the object as it was seen: raises VedetteError(CONFLICT) where it has changed since. Nobody else writes it, so
        that a merge patch does, which costs the API server less than server-side apply."""
        written = status if isinstance(status, dict) else _dumped(status)
        about = {"name": custom.name, "resourceVersion": str(custom.version)}
        change = {"metadata": about, "status": merge_patch(custom.document.get("status") or {}, written)}
        made = await self._counted("status", custom.kind, self.client.merge(KINDS[custom.kind], change, status=True))
        self.cache.put(translated(made))

    async def say(self, custom: seen.Custom, event: Event) -> None:
        """An event of the object. One that cannot be written is told in the log: nothing hangs on it."""
        happening = Happening(event.warning, event.reason, "Reconcile", event.message)
        try:
            await self._counted("create", "Event", self.client.record(dict(custom.document), happening))
        except VedetteError as error:
            logging.get().warning("event not written", reason=event.reason, problem=str(error))

    async def _counted(self, verb: str, kind: str, request: Awaitable[T]) -> T:
        self.metrics.requests.labels(verb, kind).inc()
        return await request


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What makes `after` of `before` (RFC 7386): lists whole, null for what is no more."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            value = merge_patch(old, value)
            if not value:
                continue
        elif name in before and value == old:
            continue
        patch[name] = value
    return patch


def _dumped(status: BaseModel) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
