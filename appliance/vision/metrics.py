"""How right detections are: matching, precision, recall, F1, average precision, confusion. Pure numpy and an R-tree.

Called by training (running point, model metrics), by `vedette evaluate`, by the API (a run against its item's
annotations) and by the demo. Boxes are (n,4) float x0,y0,x1,y1 in any one unit; knows nothing of items or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely import STRtree
from shapely import box as rectangle

from appliance.contracts.detection import PixelBox

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COCO_RECALLS = np.linspace(0.0, 1.0, 101)
"""The recall levels at which COCO reads precision (pycocotools, Params.recThrs)."""
COCO_OVERLAPS = np.linspace(0.5, 0.95, 10)
"""The IoU thresholds over which COCO's AP is a mean."""
NOTHING = -1
"""The index of what matched nothing."""


def overlapping(boxes: ArrayLike, others: ArrayLike) -> tuple[Integers, Integers, Floats]:
    """Every pair that shares an area: index into boxes, index into others, IoU. Each array (p,), in no given order."""
    left, right = _boxes(boxes), _boxes(others)
    tree = STRtree(_rectangles(right))
    first, second = tree.query(_rectangles(left))
    a, b = left[first], right[second]
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.prod(np.maximum(sides, 0.0), axis=1)
    union = _areas(a) + _areas(b) - shared
    touching = shared > 0
    return (
        first[touching].astype(np.int64),
        second[touching].astype(np.int64),
        shared[touching] / union[touching],
    )


def match(
    boxes: ArrayLike,
    scores: ArrayLike,
    truth: ArrayLike,
    overlap: float,
    classes: ArrayLike | None = None,
    truth_classes: ArrayLike | None = None,
) -> Integers:
    """For each detection the index of the true object it is, or -1. (n,)

    Greedy, as COCO and Pascal VOC do it: by falling score, each detection takes the free true object that it overlaps
    most, from IoU `overlap` up. Equal scores keep their order. With classes, only equal classes match. Because it is
    greedy, the matching above any score threshold is the part of this one above that threshold.
    """
    values = np.asarray(scores, np.float64)
    first, second, shared = overlapping(boxes, truth)
    good = shared >= overlap
    if classes is not None and truth_classes is not None:
        good &= np.asarray(classes)[first] == np.asarray(truth_classes)[second]
    first, second, shared = first[good], second[good], shared[good]
    order = np.lexsort((second, -shared, first, -values[first]))
    found = np.full(len(values), NOTHING, np.int64)
    taken = np.zeros(len(_boxes(truth)), np.bool_)
    for index, target in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if found[index] == NOTHING and not taken[target]:
            found[index] = target
            taken[target] = True
    return found


@dataclass(frozen=True)
class Counts:
    """Right detections, wrong detections, missed objects."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """Share of detections that are right; 0 without detections."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of true objects that were found; 0 without true objects."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall (van Rijsbergen 1979)."""
        return _share(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )


@dataclass(frozen=True)
class Scored:
    """Detections of any number of items, already matched: scores (n,), correct (n,) bool, and how many are true."""

    scores: Floats
    correct: NDArray[np.bool_]
    truths: int

    @staticmethod
    def of(scores: ArrayLike, matched: Integers, truths: int) -> Scored:
        """From `match`'s answer for one item."""
        return Scored(np.asarray(scores, np.float64), matched != NOTHING, truths)

    @staticmethod
    def joined(parts: Sequence[Scored]) -> Scored:
        return Scored(
            np.concatenate([np.zeros(0), *(part.scores for part in parts)]),
            np.concatenate([np.zeros(0, np.bool_), *(part.correct for part in parts)]),
            sum(part.truths for part in parts),
        )

    def counts(self, threshold: float) -> Counts:
        """At a score threshold: detections of at least that score count."""
        right = int(np.count_nonzero(self.correct & (self.scores >= threshold)))
        all_kept = int(np.count_nonzero(self.scores >= threshold))
        return Counts(right, all_kept - right, self.truths - right)


@dataclass(frozen=True)
class Curve:
    """One point per distinct score, by falling threshold: each array (t,)."""

    thresholds: Floats
    precision: Floats
    recall: Floats

    @property
    def f1(self) -> Floats:
        total = self.precision + self.recall
        return np.divide(2 * self.precision * self.recall, total, out=np.zeros_like(total), where=total > 0)


def curve(scored: Scored) -> Curve:
    """Precision and recall over every threshold that makes a difference."""
    order = np.argsort(-scored.scores, kind="stable")
    scores = scored.scores[order]
    right = np.cumsum(scored.correct[order])
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1) if len(scores) else np.zeros(0, np.int64)
    recall = right[last] / scored.truths if scored.truths else np.zeros(len(last))
    return Curve(scores[last], right[last] / (last + 1), recall)


def average_precision(scored: Scored, interpolation: str = "coco") -> float:
    """Area under precision over recall, precision made monotone from the right. 0 without true objects.

    `coco`: mean of the precision at 101 recall levels (Lin et al. 2014; pycocotools `accumulate`).
    `all-points`: the exact area (Pascal VOC 2010 and later; Everingham et al. 2010, as of the 2010 development kit).
    """
    if scored.truths == 0 or len(scored.scores) == 0:
        return 0.0
    order = np.argsort(-scored.scores, kind="stable")
    right = np.cumsum(scored.correct[order])
    recall = right / scored.truths
    precision = right / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if interpolation == "coco":
        at = np.searchsorted(recall, COCO_RECALLS, side="left")
        return float(np.append(envelope, 0.0)[np.minimum(at, len(envelope))].mean())
    if interpolation == "all-points":
        return float(np.sum(np.diff(recall, prepend=0.0) * envelope))
    raise ValueError(f"interpolation is coco or all-points, not {interpolation}")


def confusion(matched: Integers, classes: ArrayLike, truth_classes: ArrayLike, count: int) -> Integers:
    """(count+1, count+1): rows the true class, columns the detected one; the last of each is 'nothing there'.

    `matched` comes from `match` without classes, so that an object found under a wrong name is seen as such.
    """
    found, true = np.asarray(classes, np.int64), np.asarray(truth_classes, np.int64)
    table = np.zeros((count + 1, count + 1), np.int64)
    hit = matched != NOTHING
    np.add.at(table, (true[matched[hit]], found[hit]), 1)
    np.add.at(table, (np.full(int((~hit).sum()), count), found[~hit]), 1)
    missed = np.ones(len(true), np.bool_)
    missed[matched[hit]] = False
    np.add.at(table, (true[missed], np.full(int(missed.sum()), count)), 1)
    return table


def compare(boxes: ArrayLike, scores: ArrayLike, truth: ArrayLike, threshold: float, overlap: float) -> Counts:
    """One scene's detections against its annotations at a running point, whatever the classes: what the demo prints."""
    values = np.asarray(scores, np.float64)
    kept = values >= threshold
    matched = match(_boxes(boxes)[kept], values[kept], truth, overlap)
    return Scored.of(values[kept], matched, len(_boxes(truth))).counts(threshold)


def envelope(box: PixelBox) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 of the upright rectangle around a box of any rotation: the form that matching takes."""
    cosine, sine = abs(cos(radians(box.angle_degrees))), abs(sin(radians(box.angle_degrees)))
    half_width = (box.width * cosine + box.height * sine) / 2
    half_height = (box.width * sine + box.height * cosine) / 2
    return box.x - half_width, box.y - half_height, box.x + half_width, box.y + half_height


def _boxes(values: ArrayLike) -> Floats:
    return np.asarray(values, np.float64).reshape(-1, 4)


def _rectangles(boxes: Floats) -> NDArray[np.object_]:
    return np.asarray(rectangle(boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]), np.object_).reshape(-1)


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
