"""How much each layer in eight bits alone changes what the network says. Called by optimise_candidates.py.

Knows one quantised graph from another by its heads' tensors, before any decoding; no snapshot, no metric.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from appliance.inference.graphs import anatomy, int8
from appliance.inference.graphs.anatomy import Run
from appliance.inference.graphs.int8 import Calibrated


def ranked(
    known: Calibrated, tiles: NDArray[Any], run: Run, told: Callable[[float], None] = lambda _: None
) -> tuple[str, ...]:
    """The layers' names, the one that costs the most first. `told` is given the share done, and may raise."""
    model = known.folder / "alone.onnx"
    onnx.save(known.model, str(model))
    truth = _heads(known, model, tiles, run)
    costs: dict[str, float] = {}
    for place, layer in enumerate(known.layers):
        told(place / len(known.layers))
        int8.quantise(known, model, in_float=set(known.layers) - {layer})
        costs[layer] = _apart(truth, _heads(known, model, tiles, run))
    return tuple(sorted(costs, key=lambda layer: -costs[layer]))


def _heads(known: Calibrated, path: Path, tiles: NDArray[Any], run: Run) -> list[NDArray[Any]]:
    anatomy.tap(path, known.heads)
    backend = run(path)
    try:
        outputs = backend.infer(tiles)
    finally:
        backend.close()
    return [np.asarray(outputs[name], np.float64) for name in known.heads]


def _apart(truth: list[NDArray[Any]], other: list[NDArray[Any]]) -> float:
    """Mean square of the differences over the variance of what is right, the worst of the heads."""
    return max(float(np.mean((a - b) ** 2) / max(float(np.var(a)), 1e-12)) for a, b in zip(truth, other, strict=True))
