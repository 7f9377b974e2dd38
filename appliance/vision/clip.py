"""Nothing is found where there is no scene: boxes end at its edges. Called by inference/finish.py. Pure."""

from __future__ import annotations

import numpy as np

from appliance.vision.candidates import Candidates, Flags, envelopes


def to_scene(candidates: Candidates, width: int, height: int) -> Candidates:
    """Upright boxes (n,5), in pixels of a scene of that size, cut at its edges; those wholly outside are dropped.

    A rotated box keeps its shape: cut, it would be none. So does the outline of a mask, which never leaves the scene.
    """
    bounds = envelopes(candidates.boxes)
    size = np.array([width, height], np.float64)
    inside: Flags = np.all((bounds[:, 2:] > 0) & (bounds[:, :2] < size), axis=1)
    low, high = np.clip(bounds[:, :2], 0, size), np.clip(bounds[:, 2:], 0, size)
    upright = candidates.boxes[:, 4] == 0
    cut = upright & ((low > bounds[:, :2]) | (high < bounds[:, 2:])).any(axis=1)
    boxes = candidates.boxes.copy()
    boxes[cut, :2] = (low[cut] + high[cut]) / 2
    boxes[cut, 2:4] = high[cut] - low[cut]
    whole = Candidates(candidates.tile, boxes, candidates.scores, candidates.classes, candidates.outlines)
    return whole if inside.all() else whole.take(inside)
