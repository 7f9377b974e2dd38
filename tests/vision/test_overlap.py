"""Overlaps against every pair compared with every other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from appliance.vision import overlap
from appliance.vision.overlap import overlapping


def plain(boxes: NDArray[np.float64]) -> dict[tuple[int, int], float]:
    """first < second -> shared square pixels, of axis-aligned boxes, by comparing all with all."""
    found = {}
    low, high = boxes[:, :2] - boxes[:, 2:4] / 2, boxes[:, :2] + boxes[:, 2:4] / 2
    for first in range(len(boxes)):
        for second in range(first + 1, len(boxes)):
            side = np.minimum(high[first], high[second]) - np.maximum(low[first], low[second])
            if (side > 0).all():
                found[first, second] = float(side.prod())
    return found


def found(boxes: NDArray[np.float64]) -> dict[tuple[int, int], float]:
    pairs = overlapping(boxes)
    result = dict(zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.intersection, strict=True))
    assert len(result) == len(pairs.first), "no pair twice"
    return result


def crowd(count: int, side: float, sizes: tuple[float, float], seed: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    middle = random.uniform(-side, side, (count, 2))
    return np.column_stack([middle, random.uniform(*sizes, (count, 2)), np.zeros(count)])


@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 12), st.just(4)), elements=st.integers(0, 30).map(float)))
def test_same_as_comparing_all(values: NDArray[np.float64]) -> None:
    boxes = np.column_stack([values, np.zeros(len(values))])
    assert found(boxes) == plain(boxes)


@pytest.mark.parametrize("sizes", [(5, 40), (0, 0), (0.01, 400)])
def test_same_in_a_crowd(sizes: tuple[float, float]) -> None:
    boxes = crowd(300, 500, sizes, seed=1)
    expected = plain(boxes)
    got = found(boxes)
    assert got.keys() == expected.keys()
    assert [got[pair] for pair in expected] == pytest.approx(list(expected.values()))


def test_sweep_and_tree_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = crowd(2000, 1000, (10, 80), seed=2)
    swept = found(boxes)
    monkeypatch.setattr(overlap, "_swept", lambda bounds: None)
    assert found(boxes) == swept


def test_one_huge_box_goes_to_the_tree() -> None:
    boxes = np.vstack([crowd(3000, 5000, (10, 20), seed=3), [[0, 0, 9000, 9000, 0]]])
    bounds = np.column_stack([boxes[:, :2] - boxes[:, 2:4] / 2, boxes[:, :2] + boxes[:, 2:4] / 2])
    assert overlap._swept(bounds) is None
    assert sum(1 for pair in found(boxes) if 3000 in pair) > 2000


def test_turned_boxes_share_what_their_polygons_share() -> None:
    square = [0.0, 0.0, 10.0, 10.0]
    boxes = np.array([[*square, 0.0], [*square, 45.0], [9.9, 9.9, 10.0, 10.0, -45.0]])
    pairs = overlapping(boxes)
    shared = dict(zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.intersection, strict=True))
    assert shared[0, 1] == pytest.approx(200 * (np.sqrt(2) - 1))  # a regular octagon
    assert (1, 2) not in shared
