"""What a model of a package does on snapshots and tiles: its figures, its speed beside another, whether it stays finite.

Called by optimise.py. Everything goes through the real backend; nothing here decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.formats.snapshot import Snapshot
from appliance.inference import evaluation
from appliance.inference.backends import catalogue
from appliance.inference.backends.base import Allowance, Backend
from appliance.inference.backends.catalogue import Entry
from appliance.inference.evaluation import Pairs

_TURNS = 7
_BATCH = 8


@dataclass(frozen=True)
class Runtime:
    """The backend that would run the model: what people call it, and how it loads a file with a manifest. `study` loads the
    many graphs that are looked into and never judged, where making an engine of each would take hours."""

    name: str
    load: Callable[[Path, Manifest], Backend]
    study: Callable[[Path, Manifest], Backend]


def runtime(name: str, threads: int) -> Runtime:
    """The backend of this name, to load files with. Raises VedetteError: INVALID where there is none, UNSUPPORTED where it
    cannot run here."""
    entry = catalogue.named(name)
    return Runtime(entry.name, _loading(entry, threads), _loading(catalogue.studied(entry), threads))


def _loading(entry: Entry, threads: int) -> Callable[[Path, Manifest], Backend]:
    return lambda file, manifest: entry.load(file, manifest, Allowance(threads, _BATCH))


@dataclass(frozen=True)
class Watch:
    """`told` is given what is being done and how far it is (None: nobody knows). `cancelled` is asked all the time."""

    told: Callable[[str, float | None], None] = lambda _what, _fraction: None
    cancelled: Callable[[], bool] = lambda: False

    def step(self, what: str, fraction: float | None = None) -> None:
        """Raises VedetteError(CANCELLED)."""
        if self.cancelled():
            raise VedetteError(Code.CANCELLED, "Interrupted; nothing was written.", "Run the same command again.")
        self.told(what, fraction)


def pairs(held: Snapshot, manifest: Manifest, backend: Backend, what: str, watch: Watch) -> Pairs:
    """Found and labelled objects of every item, down to scores far below any running point."""
    made = []
    for number, item in enumerate(held.manifest.items):
        watch.step(what, number / len(held.manifest.items))
        found = evaluation.found(held, item, manifest, backend, watch.cancelled)
        made.append((found, evaluation.labelled(held, item)))
    return made


def scores(found: Pairs) -> NDArray[np.float64]:
    """Of all detections, (n,)."""
    return np.concatenate([each.scores for each, _ in found])


def speed_up(before: Backend, after: Backend, tiles: NDArray[Any], watch: Watch) -> float:
    """How many times as fast `after` looks at a batch of tiles: the median over turns that both take one after the
    other, so that whatever else the machine does meets both."""
    batch = np.resize(tiles, (_BATCH, *tiles.shape[1:]))
    before.infer(batch)
    after.infer(batch)
    ratios = []
    for turn in range(_TURNS):
        watch.step("measure speed", turn / _TURNS)
        ratios.append(_seconds(before, batch) / _seconds(after, batch))
    return float(np.median(ratios))


def check_finite(backend: Backend, tiles: NDArray[Any], precision: str) -> None:
    """Raises VedetteError(MODEL_PACKAGE) when an output holds what is no number."""
    for start in range(0, len(tiles), _BATCH):
        outputs = backend.infer(tiles[start : start + _BATCH])
        wrong = [name for name, values in outputs.items() if not np.isfinite(values).all()]
        if wrong:
            raise VedetteError(
                Code.MODEL_PACKAGE,
                f"In {precision} the model gives {', '.join(sorted(wrong))} that are not numbers: its values leave the range.",
                "Serve the package as it is.",
            )


def _seconds(backend: Backend, batch: NDArray[Any]) -> float:
    began = time.perf_counter()
    backend.infer(batch)
    return time.perf_counter() - began
