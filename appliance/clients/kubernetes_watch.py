"""Follow a kind of object for ever: all there are, then each change. Used by kubernetes.py alone.

A watch is ended by the server after a few minutes and goes on from the last version that was seen. What is older than the
server remembers (410 Gone), and what happened while it was away, is made up for by listing anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import httpx2
from lightkube.core.generic_client import BasicRequest, GenericAsyncClient

from appliance.clients import logging
from appliance.clients.kubernetes_errors import GONE, refused, translated
from appliance.clients.kubernetes_kinds import Kind, Manifest
from appliance.contracts.errors import VedetteError

_SERVER_SECONDS = 240
TIMEOUT = httpx2.Timeout(15, connect=5, read=_SERVER_SECONDS + 15)
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 15.0


@dataclass(frozen=True)
class Listed:
    """All there are: whoever is not among them is gone. Comes first, and again whenever something may have been missed."""

    objects: tuple[Manifest, ...]


@dataclass(frozen=True)
class Changed:
    change: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Manifest


@dataclass(frozen=True)
class Away:
    """The API server does not answer, or refuses. Once for each outage; Listed comes when it is over."""

    problem: VedetteError


Watched = Listed | Changed | Away


class _Page(Protocol):
    @property
    def items(self) -> list[Manifest]: ...

    @property
    def version(self) -> str: ...


class _GoneError(Exception):
    """The version to go on from is older than what the server remembers."""


async def watch(
    kind: Kind, listed: Callable[[], Awaitable[_Page]], changes: Callable[[str], AsyncGenerator[Any, None]]
) -> AsyncGenerator[Watched, None]:
    """Ends only when cancelled."""
    pause, away = _FIRST_PAUSE_SECONDS, False
    while True:
        try:
            page = await listed()
            pause, away = _FIRST_PAUSE_SECONDS, False
            yield Listed(tuple(page.items))
            async with contextlib.aclosing(_from(page.version, changes)) as found:
                async for change in found:
                    yield change
        except _GoneError:
            continue
        except VedetteError as error:
            if not away:
                logging.get().warning("watching", kind=kind.kind, problem=str(error))
                yield Away(error)
            away = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


async def _from(version: str, changes: Callable[[str], AsyncGenerator[Any, None]]) -> AsyncGenerator[Changed, None]:
    """One watch after another, each from where the one before ended. Raises _GoneError, VedetteError."""
    while True:
        began = asyncio.get_running_loop().time()
        async with contextlib.aclosing(changes(version)) as found:
            async for event in found:
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
                    yield Changed(event["type"], event["object"])
        if asyncio.get_running_loop().time() - began < 1:
            await asyncio.sleep(1)  # a proxy in between that hangs up at once is not to be asked without end


def wanted(version: str, labels: str) -> dict[str, str | None]:
    """The query of one watch."""
    return {
        "resourceVersion": version,
        "labelSelector": labels or None,
        "timeoutSeconds": str(_SERVER_SECONDS),
        "allowWatchBookmarks": "true",
    }


async def lines(client: GenericAsyncClient, request: BasicRequest, subject: str) -> AsyncGenerator[Any, None]:
    """The events of one watch, until the server ends it. Raises _GoneError, VedetteError."""
    with translated(subject):
        response = await client.send(client.build_adapter_request(request), stream=True)
        try:
            if response.status_code == GONE:
                raise _GoneError
            if response.is_error:
                await response.aread()
            response.raise_for_status()
            async for line in response.aiter_lines():
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise _failed(event["object"], subject)
                yield event
        finally:
            await response.aclose()


def _failed(status: dict[str, Any], subject: str) -> Exception:
    code = int(status.get("code") or 0)
    return _GoneError() if code == GONE else refused(code, status, subject)
