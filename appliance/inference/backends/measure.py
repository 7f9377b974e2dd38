"""How fast each backend is with this model on this machine, and whether it finds the same. Called by choice.py, once for a key.

One backend is open at a time and closed before the next: measuring takes no more memory than the model itself is given. Each
is measured twice, in turn, because a machine may slow down for a while.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from numpy.typing import NDArray

from appliance.contracts.errors import VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import agreement, probe
from appliance.inference.backends.agreement import Seen
from appliance.inference.backends.base import IN_FLIGHT, Allowance, Backend
from appliance.inference.backends.catalogue import REFERENCE, Entry
from appliance.inference.backends.fitting import Fitting
from appliance.inference.backends.ranking import Measured

_TURNS = 2
_LEAST_SECONDS = 1.0
"""Of measuring in each turn; a model so slow that one round takes longer gets one round."""
_MOST_ROUNDS = 200


@dataclass(frozen=True)
class _Turn:
    """What one turn gave: seconds of the fastest round for one tile, and what was seen in the probe."""

    seconds: float
    seen: Seen


def measure(entries: Sequence[Entry], fitting: Fitting, allowance: Allowance) -> list[Measured]:
    """In the order of `entries`, the reference first among them. Raises what the reference raises: then the model itself is
    at fault, or the machine."""
    raw = probe.raw(fitting.package.manifest.input, allowance.batch_size)
    fastest: dict[str, float] = {}
    refusals: dict[str, str] = {}
    reference: Seen | None = None
    for _ in range(_TURNS):
        for entry in entries:
            if entry.name in refusals:
                continue
            try:
                turn = fitting.first(entry, partial(_turn, entry, allowance, raw))
            except VedetteError as error:
                if entry.name == REFERENCE:
                    raise
                refusals[entry.name] = error.reason.message.rstrip(".")
                continue
            if reference is None:
                reference = turn.seen
            elif differs := agreement.difference(reference, turn.seen):
                refusals[entry.name] = differs
            fastest[entry.name] = min(turn.seconds, fastest.get(entry.name, turn.seconds))
    return [
        Measured(name=entry.name, seconds=None, refusal=refusals[entry.name])
        if entry.name in refusals
        else Measured(name=entry.name, seconds=fastest[entry.name])
        for entry in entries
    ]


def _turn(entry: Entry, allowance: Allowance, raw: NDArray[Any], package: ModelPackage) -> _Turn:
    tiles = probe.prepared(package.manifest.input, raw)
    with closing((entry.measured or entry.open)(package, allowance)) as backend:
        seen = Seen(package.manifest.decode, backend.infer(tiles))
        return _Turn(seconds_per_tile(backend, tiles), seen)


def seconds_per_tile(backend: Backend, tiles: NDArray[Any], least_seconds: float = _LEAST_SECONDS) -> float:
    """Of the fastest round, with as many batches in flight as the pipeline keeps: what slows the machine only ever adds."""
    best = float("inf")
    began = time.perf_counter()
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="measure") as pool:
        for _ in range(_MOST_ROUNDS):
            start = time.perf_counter()
            for future in [pool.submit(backend.infer, tiles) for _ in range(IN_FLIGHT)]:
                future.result()
            end = time.perf_counter()
            best = min(best, (end - start) / (IN_FLIGHT * len(tiles)))
            if end - began >= least_seconds:
                break
    return best
