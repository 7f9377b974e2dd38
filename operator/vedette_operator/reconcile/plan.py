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
class Plan:
    """Empty where nothing is to be done. `status` None: it is already what it should be. `wake`: when to look again."""

    apply: tuple[Manifest, ...] = ()
    delete: tuple[ChildKey, ...] = ()
    status: BaseModel | None = None
    events: tuple[Event, ...] = ()
    wake: datetime | None = None

    @property
    def empty(self) -> bool:
        return not (self.apply or self.delete or self.status or self.events)


def difference(
    wanted: Iterable[Manifest], existing: Mapping[ChildKey, str], keep: Iterable[ChildKey] = ()
) -> tuple[tuple[Manifest, ...], tuple[ChildKey, ...]]:
    """(what to apply, what to delete). `keep`: neither wanted nor to be deleted, such as a Job that has ended."""
    wanted = tuple(wanted)
    names = {key(manifest) for manifest in wanted}
    changed = tuple(manifest for manifest in wanted if existing.get(key(manifest)) != digest(manifest))
    return changed, tuple(sorted(existing.keys() - names - set(keep)))


def wake_at(now: datetime, *moments: datetime | None) -> datetime | None:
    """The first of these that is still to come."""
    return min((moment for moment in moments if moment is not None and moment > now), default=None)
