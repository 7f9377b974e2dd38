"""Whether two backends find the same: their outputs for the same tiles, decoded, object by object. Pure.

Called by measure.py and the parity test. Outputs are not compared number by number: where two candidates score alike, a graph
that sorts them may answer in another order, and both answers are right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.contracts.errors import VedetteError
from appliance.contracts.model_package import DecodeHead
from appliance.inference.backends.base import Outputs
from appliance.vision.candidates import Candidates, Flags, Floats
from appliance.vision.decode import decoder


@dataclass(frozen=True)
class Tolerance:
    """A candidate is found again where one of its class lies within `pixels` in centre and size, with a score within `score`
    and, for masks, an area within the share `area`. `missing` is the share of candidates that need not be found again: a
    suppression inside the graph settles near ties either way."""

    pixels: float = 0.5
    score: float = 0.01
    area: float = 0.02
    missing: float = 0.02


@dataclass(frozen=True)
class Seen:
    """What a backend answered to the tiles, and how that becomes objects: the same model may answer in two ways."""

    head: DecodeHead
    outputs: Outputs

    def candidates(self) -> Candidates:
        """Raises VedetteError(MODEL_PACKAGE) where the outputs are not what the head says."""
        return decoder(self.head)(self.outputs, 0.0)


COMPARED = 100
"""The best candidates of each batch of tiles, whatever the running point: what scores lower is noise."""


def difference(reference: Seen, other: Seen, tolerance: Tolerance = Tolerance()) -> str:
    """What differs, in a few words without a full stop; nothing where both find the same."""
    try:
        ours, theirs = reference.candidates(), other.candidates()
    except VedetteError as error:
        return error.reason.message.rstrip(".")
    for one, two in ((ours, theirs), (theirs, ours)):
        best = _best(one)
        lost = sum(not _found(one, place, two, tolerance) for place in best)
        if lost > tolerance.missing * len(best):
            return f"{lost} of {len(best)} objects differ from {'those' if one is ours else 'its own'} of the reference"
    return ""


def _best(candidates: Candidates) -> list[int]:
    order = np.argsort(-candidates.scores, kind="stable")[:COMPARED]
    return [int(place) for place in order]


def _found(one: Candidates, place: int, two: Candidates, tolerance: Tolerance) -> bool:
    near = (two.tile == one.tile[place]) & (two.classes == one.classes[place])
    near &= np.abs(two.scores - one.scores[place]) <= tolerance.score
    near &= (np.abs(two.boxes[:, :4] - one.boxes[place, :4]) <= tolerance.pixels).all(axis=1)
    near &= _turned(two.boxes[:, 4] - one.boxes[place, 4], one.boxes[place], tolerance)
    if one.outlines is None or two.outlines is None or not near.any():
        return bool(near.any())
    area = _area(one, place)
    return any(abs(_area(two, int(each)) - area) <= tolerance.area * area + 1 for each in np.flatnonzero(near))


def _turned(angles: Floats, box: Floats, tolerance: Tolerance) -> Flags:
    """Whether the corners of a box turned by this many degrees more stay within the tolerance."""
    least = np.abs((angles + 90) % 180 - 90)
    return np.asarray(np.radians(least) * np.hypot(box[2], box[3]) / 2 <= tolerance.pixels)


def _area(candidates: Candidates, place: int) -> float:
    """Of an outline, in square pixels (the shoelace formula)."""
    assert candidates.outlines is not None  # noqa: S101  asked only where there are any
    start, end = candidates.outlines.offsets[place : place + 2]
    x, y = candidates.outlines.points[start:end].T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
