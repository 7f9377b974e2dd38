"""One object, one detection: suppression inside a tile, and resolution of what two tiles both saw at a seam.

Called by inference/resolver.py and the `merge` benchmark. Pure; order-independent: the same candidates in any order give
the same survivors. Nothing is compared with everything: pairs come from an R-tree, and the greedy choice is made in
rounds over pairs (each round settles every candidate that no better, undecided one overlaps).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.vision.candidates import Candidates, Flags, Floats, Integers
from appliance.vision.overlap import overlapping


@dataclass(frozen=True)
class Seen:
    """How a tile stands to its candidates (n,): `owned`, the centre lies in its core; `cut`, its window cuts the box."""

    owned: Flags
    cut: Flags

    def take(self, which: Integers | Flags) -> Seen:
        return Seen(self.owned[which], self.cut[which])


def suppress(candidates: Candidates, overlap: float) -> Flags:
    """Non-maximum suppression within each tile and class: a mask (n,) of those kept."""
    if len(candidates) < 2:
        return np.ones(len(candidates), np.bool_)
    spread = _apart(candidates.boxes, candidates.tile)
    pairs = overlapping(spread)
    same = candidates.tile[pairs.first] == candidates.tile[pairs.second]
    same &= candidates.classes[pairs.first] == candidates.classes[pairs.second]
    clash = same & (pairs.iou > overlap)
    better = _ranking(candidates, None)
    return _greedy(len(candidates), pairs.first[clash], pairs.second[clash], better)[0]


def resolve(candidates: Candidates, overlap: float, seen: Seen | None = None) -> Flags:
    """Survivors (n,) of conflicts between different tiles; within a tile nothing conflicts any more.

    Two candidates of one class are one object when their IoU exceeds `overlap`, or when one that its window cuts lies
    by more than `overlap` of its own area inside the other. Whole wins over cut, owner over neighbour, then the score.
    A candidate outside its tile's core survives only as the winner of a conflict: two tiles saw it, and each placed it
    in the other's core. Without `seen`, every candidate counts as owned and whole.
    """
    count = len(candidates)
    seen = seen or Seen(np.ones(count, np.bool_), np.zeros(count, np.bool_))
    first, second = conflicts(candidates, overlap, seen)
    kept, won = _greedy(count, first, second, _ranking(candidates, seen))
    return kept & (seen.owned | won)


def conflicts(candidates: Candidates, overlap: float, seen: Seen) -> tuple[Integers, Integers]:
    """Pairs of candidates of different tiles that are one object."""
    if len(candidates) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    pairs = overlapping(candidates.boxes)
    different = candidates.tile[pairs.first] != candidates.tile[pairs.second]
    different &= candidates.classes[pairs.first] == candidates.classes[pairs.second]
    one = pairs.iou > overlap
    one |= seen.cut[pairs.first] & (pairs.intersection > overlap * pairs.areas[0])
    one |= seen.cut[pairs.second] & (pairs.intersection > overlap * pairs.areas[1])
    clash = different & one
    return pairs.first[clash], pairs.second[clash]


def _ranking(candidates: Candidates, seen: Seen | None) -> Integers:
    """(n,) the place of each in the order of preference, 0 the best; ties end at the position, never at the input order."""
    keys: list[NDArray[Any]] = [candidates.tile, *(candidates.boxes[:, column] for column in (4, 3, 2, 0, 1))]
    keys.append(-candidates.scores)
    if seen is not None:
        keys += [~seen.owned, seen.cut]
    order = np.lexsort(keys)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _greedy(count: int, first: Integers, second: Integers, rank: Integers) -> tuple[Flags, Flags]:
    """Masks (n,) of those that survive when the best is kept first, and of survivors that beat another."""
    swap = rank[first] > rank[second]
    better, worse = np.where(swap, second, first), np.where(swap, first, second)
    kept, won = np.ones(count, np.bool_), np.zeros(count, np.bool_)
    while len(better):
        beaten = np.zeros(count, np.bool_)
        beaten[worse] = True
        decided = ~beaten[better]
        won[better[decided]] = True
        kept[worse[decided]] = False
        open_pairs = kept[better] & kept[worse]
        better, worse = better[open_pairs], worse[open_pairs]
    return kept, won


def _apart(boxes: Floats, tile: Integers) -> Floats:
    """The boxes with every tile moved to ground of its own, so that the R-tree pairs within tiles only."""
    low, high = boxes[:, :2] - boxes[:, 2:4].max(initial=0), boxes[:, :2] + boxes[:, 2:4].max(initial=0)
    stride = float((high.max(axis=0) - low.min(axis=0)).max()) + 1.0
    _, place = np.unique(tile, return_inverse=True)
    moved = boxes.copy()
    moved[:, 0] += place * stride
    return moved
