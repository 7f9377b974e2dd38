"""What was last seen of every object in our namespace, newest first, and which resource each concerns. No I/O.

Filled by handlers (what the API server tells), kube.py (what it answered to our own writes) and audit.py (what it lists).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from vedette_operator.seen import ConfigMap, Custom, Key, Seen


class Cache:
    def __init__(self) -> None:
        self._objects: dict[Key, Seen] = {}
        self._belonging: defaultdict[Key, dict[Key, Seen]] = defaultdict(dict)

    def put(self, seen: Seen) -> bool:
        """Whether it was news. What is older than what is known is not: events and answers may overtake one another."""
        known = self._objects.get(seen.key)
        if known is not None and known.version >= seen.version:
            return False
        if known is not None:
            self._take(known)
        self._objects[seen.key] = seen
        if seen.belongs is not None:
            self._belonging[seen.belongs][seen.key] = seen
        return True

    def drop(self, key: Key, uid: str) -> Seen | None:
        """Forget that very object; None where it is not known, or another has its name by now."""
        known = self._objects.get(key)
        if known is None or known.uid != uid:
            return None
        self._take(known)
        return known

    def listed(self, kind: str, found: Iterable[Seen], version: int) -> list[Seen]:
        """All of one kind there are at `version`: returns what was news, and what has gone unnoticed."""
        found = list(found)
        names = {each.key: each.uid for each in found}
        gone = [
            each
            for each in self.of_kind(kind)
            if each.version <= version and (each.belongs or kind in _ALL) and names.get(each.key) != each.uid
        ]
        for each in gone:
            self._take(each)
        return gone + [each for each in found if self.put(each)]

    def get(self, key: Key) -> Seen | None:
        return self._objects.get(key)

    def custom(self, key: Key) -> Custom | None:
        found = self._objects.get(key)
        return found if isinstance(found, Custom) else None

    def config_map(self, name: str) -> Mapping[str, str] | None:
        """What it holds; None where it is not there, or about to go."""
        found = self._objects.get(("ConfigMap", name))
        return found.data if isinstance(found, ConfigMap) and not found.going else None

    def belonging(self, key: Key) -> tuple[Seen, ...]:
        """What the labels of objects say is of this resource."""
        return tuple(self._belonging.get(key, {}).values())

    def of_kind(self, kind: str) -> Iterator[Seen]:
        return (each for each in list(self._objects.values()) if each.kind == kind)

    def count(self) -> dict[str, int]:
        """Objects by kind."""
        found: defaultdict[str, int] = defaultdict(int)
        for kind, _ in list(self._objects):  # the thread that serves metrics asks too
            found[kind] += 1
        return found

    def _take(self, seen: Seen) -> None:
        del self._objects[seen.key]
        if seen.belongs is not None:
            self._belonging[seen.belongs].pop(seen.key, None)
            if not self._belonging[seen.belongs]:
                del self._belonging[seen.belongs]


_ALL = ("Detector", "TrainingJob", "ConfigMap")
"""Kinds that are looked at whatever their labels."""
