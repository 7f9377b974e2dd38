"""What a reconcile decided: what to write, to delete and to say, and when to look again. Carried out by kube.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from vedette_operator.build.manifest import Manifest, digest, key
from vedette_operator.reconcile.observed import ChildKey


@dataclass(frozen=True)
class Event:
    """A Kubernetes event, which reads like a sentence."""

    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True)
class Handover:
    """A trained package that a Detector is to try."""

    detector: str
    storage_uri: str
    digest: str


@dataclass(frozen=True)
class Plan:
    """Empty where nothing is to be done. `status` None: it is already what it should be. `wake`: when to look again.

    `suspend`: Jobs that are to wait (True) or go on. `finished`: the resource itself is to be deleted.
    """

    apply: tuple[Manifest, ...] = ()
    delete: tuple[ChildKey, ...] = ()
    status: BaseModel | None = None
    events: tuple[Event, ...] = ()
    wake: datetime | None = None
    suspend: tuple[tuple[str, bool], ...] = ()
    handover: Handover | None = None
    finished: bool = False

    @property
    def empty(self) -> bool:
        return not (self.apply or self.delete or self.status or self.events or self.suspend or self.finished)


def difference(
    wanted: Iterable[Manifest], existing: Mapping[ChildKey, str], keep: Iterable[ChildKey] = ()
) -> tuple[tuple[Manifest, ...], tuple[ChildKey, ...]]:
    """(what to apply, what to delete). `keep`: neither wanted nor to be deleted, such as a Job that has ended.

    A Job's pods cannot be changed once it is made: one that exists stays as it is, also after an upgrade of the operator.
    """
    wanted = tuple(wanted)
    names = {key(manifest) for manifest in wanted}
    changed = tuple(manifest for manifest in wanted if _differs(manifest, existing))
    return changed, tuple(sorted(existing.keys() - names - set(keep)))


def _differs(manifest: Manifest, existing: Mapping[ChildKey, str]) -> bool:
    found = existing.get(key(manifest))
    return found is None or (manifest["kind"] != "Job" and found != digest(manifest))


def wake_at(now: datetime, *moments: datetime | None) -> datetime | None:
    """The first of these that is still to come."""
    return min((moment for moment in moments if moment is not None and moment > now), default=None)
