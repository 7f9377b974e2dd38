"""One controller under load, ours or Kubernetes' own: all objects at once, then ten a second, some new and some changed; and
how long each waited, by the API server's audit log. Called by operator.py for both sides alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.operator_audit import Request, delays, within
from benchmarks.operator_client import Client, collection, wait, watching
from benchmarks.operator_objects import Manifest

PER_SECOND = 10
_PATIENCE_SECONDS = 900.0
_LATE_SECONDS = 1.0


@dataclass(frozen=True)
class Kind:
    """Objects of one kind: how they are changed, and when one is as wished."""

    manifests: list[Manifest]
    wished: Callable[[Any], bool]

    @property
    def path(self) -> str:
        return collection(self.manifests[0])


@dataclass(frozen=True)
class Span:
    """Seconds since 1970. `settled`: when the last object was as wished."""

    began: float
    ended: float
    settled: float

    @property
    def seconds(self) -> float:
        return self.settled - self.began


@dataclass(frozen=True)
class Side:
    """Whose requests count: of `user`, and where `agent` is given of that program of its. `children`: resources it makes."""

    user: str
    namespace: str
    children: tuple[str, ...]
    agent: str = ""

    def asked(self, requests: list[Request], span: Span) -> list[Request]:
        return [
            request
            for request in within(requests, span.began, span.ended)
            if request.user == self.user and request.agent.endswith(self.agent)
        ]


def all_at_once(client: Client, kinds: list[Kind], alive: Callable[[], bool] = lambda: True) -> Span:
    """Create everything as fast as the API server takes it, and wait until all is as wished. Ends the benchmark when
    whoever should see to that is not `alive`."""
    with ExitStack() as stack:
        watched = [stack.enter_context(watching(client, kind.path, kind.wished)) for kind in kinds]
        began = time.time()
        for kind in kinds:
            client.create(kind.manifests)
        wanted = [len(kind.manifests) for kind in kinds]

        def so_far() -> str:
            return ", ".join(f"{one.count} of {count}" for one, count in zip(watched, wanted, strict=True))

        wait(lambda: not alive() or [one.count for one in watched] == wanted, _PATIENCE_SECONDS, so_far)
        if not alive():
            raise SystemExit(f"the operator ended: {so_far()}")
        return Span(began, time.time(), max(one.last for one in watched))


def steadily(client: Client, fresh: Kind, changed: list[tuple[str, Manifest]]) -> Span:
    """Ten requests a second: create one, change one (name, merge patch), and so on; then wait until all is as wished."""
    with watching(client, fresh.path, fresh.wished) as watched:
        wait(lambda: watched.count > 0, 60, lambda: "nothing to change is there")
        before, began = watched.count, time.time()
        for number, (manifest, (name, change)) in enumerate(zip(fresh.manifests, changed, strict=True)):
            _until(began + 2 * number / PER_SECOND)
            client.create([manifest])
            _until(began + (2 * number + 1) / PER_SECOND)
            client.patch(fresh.path, name, change)
        wanted = before + len(fresh.manifests)
        wait(lambda: watched.count >= wanted, _PATIENCE_SECONDS, lambda: f"{watched.count} of {wanted}")
        time.sleep(_LATE_SECONDS)  # the last change may not have reached the watch
        wait(lambda: watched.count >= wanted, _PATIENCE_SECONDS, lambda: f"{watched.count} of {wanted}")
        return Span(began, time.time(), watched.last)


def waited(client: Client, side: Side, requests: list[Request], span: Span, verb: str) -> list[float]:
    """Seconds from each `verb` (create, patch) of ours on an owner until the side wrote a child of it."""
    owners = _owners(client, side)
    parents = set(owners.values())
    causes = [
        request
        for request in within(requests, span.began, span.ended)
        if request.user != side.user and request.verb == verb and not request.subresource and request.name in parents
    ]
    effects = [
        request
        for request in requests
        if request.user == side.user and request.writes and not request.subresource and request.code < 300
    ]
    return delays(causes, effects, owners)


def _owners(client: Client, side: Side) -> dict[tuple[str, str], str]:
    """(resource, name) of each child -> the name of its owner."""
    found = {}
    for resource in side.children:
        group = "batch" if resource == "jobs" else "apps"
        items, _ = client.list(f"/apis/{group}/v1/namespaces/{side.namespace}/{resource}")
        for item in items:
            for owner in item["metadata"].get("ownerReferences", []):
                found[resource, item["metadata"]["name"]] = owner["name"]
    return found


def _until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))
