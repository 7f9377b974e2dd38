"""Candidates: what a model proposes, as arrays side by side. Made by vision/decode, thinned by overlap and merge, written
by inference. Positions are working pixels (the scene at the detector's ground sample distance), y down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Outlines:
    """One ring per candidate, end to end: ring i is `points[offsets[i]:offsets[i + 1]]`, (m, 2) x, y; empty for none."""

    offsets: Integers
    points: Floats

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, indices: Integers) -> Outlines:
        starts, ends = self.offsets[:-1][indices], self.offsets[1:][indices]
        parts = [self.points[a:b] for a, b in zip(starts, ends, strict=True)]
        offsets = np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int64)
        return Outlines(offsets, np.concatenate(parts) if parts else np.empty((0, 2)))

    @staticmethod
    def concatenate(parts: Sequence[Outlines]) -> Outlines:
        counts = np.concatenate([np.diff(part.offsets) for part in parts])
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Outlines(offsets, np.concatenate([part.points for part in parts]))


@dataclass(frozen=True)
class Candidates:
    """`tile` (n,) index of the tile that saw it; `boxes` (n, 5) x, y, width, height, angle in degrees as in PixelBox;
    `scores` (n,) in 0..1; `classes` (n,) index into the taxonomy; `outlines` for masks, else None."""

    tile: Integers
    boxes: Floats
    scores: Scores
    classes: Integers
    outlines: Outlines | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, which: Integers | Flags) -> Candidates:
        """The candidates at these places, in this order; a mask keeps the order."""
        indices = np.flatnonzero(which) if which.dtype == np.bool_ else which
        return Candidates(
            self.tile[indices],
            self.boxes[indices],
            self.scores[indices],
            self.classes[indices],
            None if self.outlines is None else self.outlines.take(indices.astype(np.int64)),
        )

    @staticmethod
    def none(outlined: bool = False) -> Candidates:
        rings = Outlines(np.zeros(1, np.int64), np.empty((0, 2))) if outlined else None
        return Candidates(
            np.empty(0, np.int64), np.empty((0, 5)), np.empty(0, np.float32), np.empty(0, np.int64), rings
        )

    @staticmethod
    def concatenate(parts: Sequence[Candidates]) -> Candidates:
        rings = [part.outlines for part in parts if part.outlines is not None]
        return Candidates(
            np.concatenate([part.tile for part in parts]),
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.classes for part in parts]),
            Outlines.concatenate(rings) if len(rings) == len(parts) else None,
        )


def envelopes(boxes: Floats) -> Floats:
    """Axis-aligned bounds (n, 4) x0, y0, x1, y1 of (n, 5) boxes."""
    half_width, half_height = boxes[:, 2] / 2, boxes[:, 3] / 2
    if boxes[:, 4].any():
        angle = np.radians(boxes[:, 4])
        cosine, sine = np.abs(np.cos(angle)), np.abs(np.sin(angle))
        half_width, half_height = (
            half_width * cosine + half_height * sine,
            half_width * sine + half_height * cosine,
        )
    x, y = boxes[:, 0], boxes[:, 1]
    return np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=1)


def corners(boxes: Floats) -> Floats:
    """Corners (n, 4, 2) of (n, 5) boxes, clockwise on screen from the box's own upper left."""
    angle = np.radians(boxes[:, 4])
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    along = boxes[:, 2, None] / 2 * np.array([-1.0, 1.0, 1.0, -1.0])
    across = boxes[:, 3, None] / 2 * np.array([-1.0, -1.0, 1.0, 1.0])
    x = boxes[:, 0, None] + along * cosine - across * sine
    y = boxes[:, 1, None] + along * sine + across * cosine
    return np.stack([x, y], axis=2)
