"""An engine for a key: from the cache, or built. Called by `vedette engine build`, by serving.py's backend and by engine jobs.

Processes that want the same engine at once build it once: the first builds, the others wait for it and find it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from appliance.clients.private_folder import private_folder
from appliance.inference.engines import builder, libraries
from appliance.inference.engines.cache import Engine, EngineCache, Refused
from appliance.inference.engines.spec import EngineKey, Order


@dataclass(frozen=True)
class Wish:
    """An engine for this key, from this graph."""

    key: EngineKey
    model: Path
    input_name: str
    layout: Literal["nhwc", "nchw"]
    bands: int


@dataclass(frozen=True)
class Watch:
    """How whoever waits is told, and says that it no longer wants to."""

    progress: builder.Progress = lambda _phase, _fraction: None
    cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Obtained:
    """`build_seconds` is None where it was not this process that built. `note`: why one that was there was not used."""

    engine: Engine
    build_seconds: float | None
    note: str = ""


def obtain(cache: EngineCache, wish: Wish, watch: Watch) -> Obtained:
    """Raises what builder.build raises; nothing is left then."""
    found = cache.get(wish.key)
    if isinstance(found, Engine):
        return Obtained(found, None)
    note = found.why if isinstance(found, Refused) else ""
    waiting = "waiting for the process that builds it"
    with cache.lock(wish.key, watch.cancelled, lambda: watch.progress(waiting, 0.0)):
        found = cache.get(wish.key)
        if isinstance(found, Engine):
            return Obtained(found, None, note)
        with private_folder(cache.workshop) as folder:
            order = _order(cache, wish, folder)
            built = builder.build(order, watch.progress, watch.cancelled)
            engine = cache.put(wish.key, Path(order.plan), built.seconds)
    return Obtained(engine, built.seconds, note)


def _order(cache: EngineCache, wish: Wish, folder: Path) -> Order:
    timed = wish.key.library in libraries.WITH_TIMING_CACHE
    return Order(
        key=wish.key,
        model=str(wish.model.resolve()),
        input_name=wish.input_name,
        layout=wish.layout,
        bands=wish.bands,
        plan=str(folder / "engine.plan"),
        timing_cache=str(cache.timing(wish.key)) if timed else None,
    )
