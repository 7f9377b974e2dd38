"""Heads whose graph has already chosen its candidates: axis-aligned and rotated boxes. Called through decode.decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.model_package import DecodeHead
from appliance.vision.candidates import Candidates, Floats, Integers

Outputs = Mapping[str, NDArray[Any]]


def axis_aligned(outputs: Outputs, threshold: float, head: DecodeHead) -> Candidates:
    """boxes (N, K, 4) x0, y0, x1, y1 in tile pixels."""
    tile, slot = chosen(outputs["scores"], threshold, head.maximum_per_tile)
    x0, y0, x1, y1 = outputs["boxes"][tile, slot].astype(np.float64).reshape(-1, 4).T
    boxes = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, np.zeros_like(x0)], axis=1)
    return _candidates(outputs, tile, slot, boxes)


def rotated(outputs: Outputs, threshold: float, head: DecodeHead) -> Candidates:
    """boxes (N, K, 5) x, y, width, height, angle in degrees; angles are brought into [-90, 90)."""
    tile, slot = chosen(outputs["scores"], threshold, head.maximum_per_tile)
    boxes = outputs["boxes"][tile, slot].astype(np.float64).reshape(-1, 5)
    boxes[:, 4] = (boxes[:, 4] + 90.0) % 180.0 - 90.0
    return _candidates(outputs, tile, slot, boxes)


def chosen(scores: NDArray[Any], threshold: float, maximum: int) -> tuple[Integers, Integers]:
    """(tile, slot) of scores (N, K) at or above the threshold, at most `maximum` of each tile: its best."""
    passing = scores >= threshold
    if scores.shape[1] > maximum and (crowded := passing.sum(axis=1) > maximum).any():
        for crowd in np.flatnonzero(crowded):
            worst = np.argsort(-scores[crowd], kind="stable")[maximum:]
            passing[crowd, worst] = False
    tile, slot = np.nonzero(passing)
    return tile.astype(np.int64), slot.astype(np.int64)


def _candidates(outputs: Outputs, tile: Integers, slot: Integers, boxes: Floats) -> Candidates:
    scores = np.clip(outputs["scores"][tile, slot], 0, 1).astype(np.float32)
    return Candidates(tile, boxes, scores, outputs["classes"][tile, slot].astype(np.int64))
