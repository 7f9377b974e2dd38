"""What the figures of a trained model mean. Pure; called by run.py.

Fit: Underfit where the goal's metric (f1 without a goal) stays below 0.5 on the training snapshot and on the other; Overfit
where it is more than 0.15 better on the training snapshot; Good otherwise.

Outliers, on the training snapshot, where the model is not Underfit (the doubts of a poor model say nothing): annotations that no
candidate of their class with half the running point's threshold meets at an IoU of 0.3, and detections more than half way from
the threshold to certainty that touch no annotation at an IoU of 0.1. A model that learnt from a label and still contradicts it is
the sign that Northcutt et al. 2021 (Confident Learning) look for.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from appliance.training.evaluation import Candidates, Choice
from appliance.training.scenes import Scene
from appliance.training.tiles import Found

Fit = Literal["Good", "Overfit", "Underfit"]
_GOOD_FROM = 0.5
_MUCH_BETTER = 0.15
_MEETS = 0.3
_TOUCHES = 0.1


def fit(on_training: float, elsewhere: float) -> Fit:
    """Both: the same metric, 0 to 1."""
    if on_training < _GOOD_FROM and elsewhere < _GOOD_FROM:
        return "Underfit"
    return "Overfit" if on_training - elsewhere > _MUCH_BETTER else "Good"


def outliers(found: Candidates, choice: Choice) -> int:
    """How many annotations look wrong, and how many seem to be missing."""
    count = 0
    for scene, windows in found:
        for window, raw in zip(scene.windows, windows, strict=True):
            count += _of_window(scene, scene.inside(window), raw.resolved(choice.overlap), choice.threshold)
    return count


def _of_window(scene: Scene, inside: NDArray[np.bool_], seen: Found, threshold: float) -> int:
    boxes, classes = scene.boxes[inside], scene.classes[inside]
    likely = seen.scores >= threshold / 2
    meets = overlaps(boxes, seen.boxes[likely]) >= _MEETS
    met = (meets & (classes[:, None] == seen.classes[likely][None, :])).any(axis=1)
    certain = seen.scores >= (1 + threshold) / 2
    touched = (overlaps(seen.boxes[certain], scene.boxes) >= _TOUCHES).any(axis=1)
    return int((~met).sum() + (~touched).sum())


def overlaps(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """IoU of each of (n,4) with each of (m,4), as (n,m)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (a, b)]
    iou: NDArray[np.float32] = shared / np.maximum(areas[0][:, None] + areas[1][None, :] - shared, 1e-6)
    return iou
