"""One reconcile: see, decide, carry out, and one write of the status at the end. Called by the work queue for each key.

Decisions are in reconcile/, which is pure; what is seen comes from observe_detector.py and observe_training.py.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from appliance.clients import logging
from appliance.contracts.base import now
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources import validate
from appliance.contracts.resources.objects import AnyResource, DetectorResource
from vedette_operator import invalid, observe_detector, observe_training, seen
from vedette_operator.build.pod import Surroundings
from vedette_operator.errors import ForeignChildError, RefusedChildError
from vedette_operator.kube import Cluster
from vedette_operator.reconcile import detector, training
from vedette_operator.reconcile.observed import Problem
from vedette_operator.reconcile.plan import Event, Plan
from vedette_operator.seen import Key

_LOOK_AGAIN_SECONDS = 10.0
"""While something is missing that tells nobody when it comes: an object in the store, another's object in our way."""

_CHANGED_SECONDS = 0.5
"""After children were written or deleted: what we did ourselves is no news when the API server tells it, and what was decided
beside it was decided without knowing it."""


@dataclass(frozen=True)
class Decision:
    """`looks`: something is missing, so that it is looked at again soon."""

    plan: Plan
    way: tuple[seen.Seen, ...] = ()
    looks: bool = False


@dataclass(frozen=True)
class Controller:
    cluster: Cluster
    detectors: observe_detector.Observer
    trainings: observe_training.Observer
    here: Surroundings

    async def reconcile(self, key: Key, waited: float) -> float | None:
        """As work_queue.Handler. Raises whatever went wrong, after telling it."""
        metrics, began = self.cluster.metrics, time.monotonic()
        result = "failed"
        try:
            again = await self._reconcile(key, waited)
            result = "done"
            return again
        except VedetteError as error:
            result = "conflict" if error.reason.code is Code.CONFLICT else "away"
            logging.get().info("reconcile is tried again", kind=key[0], name=key[1], problem=str(error.reason))
            raise
        except Exception:
            logging.get().exception("reconcile failed", kind=key[0], name=key[1])
            raise
        finally:
            metrics.reconciles.labels(key[0], result).inc()
            metrics.duration.labels(key[0]).observe(time.monotonic() - began)

    async def _reconcile(self, key: Key, waited: float) -> float | None:
        custom = self.cluster.cache.custom(key)
        if custom is None or custom.going:
            return None
        try:
            resource = _read(custom)
        except VedetteError as error:
            await self._refuse(custom, error)
            return None
        began, changed = time.monotonic(), False
        decision = await self._decide(resource, ())
        try:
            changed = await self._carry_out(resource, decision)
        except (ForeignChildError, RefusedChildError) as error:
            # What stands in the way is one problem more, and all that is left to do is to say so.
            decision = await self._decide(resource, (Problem(error.reason, error.message),))
        if decision.plan.apply:
            self.cluster.metrics.reaction.labels(key[0]).observe(waited + time.monotonic() - began)
        await self._tell(custom, decision.plan)
        return _again(decision, changed)

    async def _decide(self, resource: AnyResource, more: tuple[Problem, ...]) -> Decision:
        if isinstance(resource, DetectorResource):
            found, way = await self.detectors.observe(resource)
            found = replace(found, problems=(*found.problems, *more))
            plan = detector.reconcile(resource, found, self.here, now())
            return Decision(plan, way, bool(found.problems))
        seen_training, way = await self.trainings.observe(resource)
        if more:
            seen_training = replace(seen_training, problem=more[0])
        plan = training.reconcile(resource, seen_training, self.here, now())
        return Decision(plan, way, seen_training.problem is not None)

    async def _carry_out(self, resource: AnyResource, decision: Decision) -> bool:
        """All but the status and what is said; whether there was anything. Raises ForeignChildError, RefusedChildError,
        VedetteError."""
        cluster, plan = self.cluster, decision.plan
        await self._delete(decision.way)
        for manifest in plan.apply:
            await cluster.apply(resource, manifest)
        for name, waits in plan.suspend:
            await cluster.suspend(name, waits)
        await self._delete([found for key in plan.delete if (found := cluster.cache.get(key))])
        return bool(decision.way or plan.apply or plan.delete)

    async def _delete(self, found: Sequence[seen.Seen]) -> None:
        for each in found:
            await self.cluster.delete(each)

    async def _tell(self, custom: seen.Custom, plan: Plan) -> None:
        """The hand-over comes before the status that ends the job: killed between the two, the next one does both again."""
        events: list[Event] = list(plan.events)
        if plan.handover is not None:
            events.append(await self.cluster.hand_over(plan.handover))
        if plan.status is not None:
            await self.cluster.status(custom, plan.status)
        for event in events:
            await self.cluster.say(custom, event)
        if plan.finished:
            await self.cluster.delete(custom)

    async def _refuse(self, custom: seen.Custom, error: VedetteError) -> None:
        """A resource older than a rule: said in its status, and nothing else is done with it."""
        said: dict[str, Any] | None = invalid.status(custom.document, error.reason.message, now())
        if said is not None:
            await self.cluster.status(custom, said)


def _read(custom: seen.Custom) -> AnyResource:
    """Raises VedetteError. A status of an older operator is forgotten rather than in the way."""
    source = f"{custom.kind} {custom.name}"
    document = dict(custom.document)
    try:
        return validate.resource(document, source)
    except VedetteError:
        document.pop("status", None)
        return validate.resource(document, source)


def _again(decision: Decision, changed: bool) -> float | None:
    waits = [_LOOK_AGAIN_SECONDS] if decision.looks else []
    if changed:
        waits.append(_CHANGED_SECONDS)
    if decision.plan.wake is not None:
        waits.append(max(0.0, (decision.plan.wake - now()).total_seconds()))
    return min(waits, default=None)
