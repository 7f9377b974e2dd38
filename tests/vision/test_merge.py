from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from appliance.vision.candidates import Candidates, Floats, corners
from appliance.vision.merge import Seen, resolve, suppress
from appliance.vision.overlap import overlapping


def made(boxes: Floats, scores: Floats, tile: Floats, classes: Floats | None = None) -> Candidates:
    kinds = np.zeros(len(boxes), np.int64) if classes is None else classes.astype(np.int64)
    return Candidates(tile.astype(np.int64), boxes, scores.astype(np.float32), kinds)


def crowd(seed: int, count: int, turned: bool = False) -> Candidates:
    rng = np.random.default_rng(seed)
    boxes = np.zeros((count, 5))
    boxes[:, :2] = rng.uniform(0, 100, (count, 2))
    boxes[:, 2:4] = rng.uniform(5, 30, (count, 2))
    if turned:
        boxes[:, 4] = rng.uniform(-90, 90, count)
    return made(boxes, rng.random(count), rng.integers(0, 3, count), rng.integers(0, 2, count))


def iou(a: Floats, b: Floats) -> float:
    one, other = (shapely.Polygon(ring) for ring in corners(np.stack([a, b])))
    return float(one.intersection(other).area / one.union(other).area)


def greedy(found: Candidates, overlap: float, across: bool) -> set[int]:
    """The plain quadratic way: best score first."""
    kept: list[int] = []
    for i in np.argsort(-found.scores, kind="stable"):
        rivals = (
            j for j in kept if found.classes[i] == found.classes[j] and (found.tile[i] != found.tile[j]) == across
        )
        if all(iou(found.boxes[i], found.boxes[j]) <= overlap for j in rivals):
            kept.append(int(i))
    return set(kept)


@pytest.mark.parametrize("turned", [False, True])
@given(seed=st.integers(0, 10_000))
def test_both_choose_as_the_plain_greedy_way_does(turned: bool, seed: int) -> None:
    found = crowd(seed, 40, turned)
    assert set(np.flatnonzero(suppress(found, 0.3))) == greedy(found, 0.3, across=False)
    assert set(np.flatnonzero(resolve(found, 0.3))) == greedy(found, 0.3, across=True)


@given(seed=st.integers(0, 10_000))
def test_the_order_of_candidates_does_not_matter(seed: int) -> None:
    found = crowd(seed, 60)
    found = Candidates(found.tile, found.boxes, np.full(60, 0.5, np.float32), found.classes)
    order = np.random.default_rng(seed).permutation(60)
    assert np.array_equal(resolve(found.take(order), 0.3), resolve(found, 0.3)[order])


@given(seed=st.integers(0, 10_000))
def test_rotated_intersection_is_exact(seed: int) -> None:
    found = crowd(seed, 12, turned=True)
    pairs = overlapping(found.boxes)
    for first, second, share in zip(pairs.first, pairs.second, pairs.iou, strict=True):
        assert share == pytest.approx(iou(found.boxes[first], found.boxes[second]), abs=1e-9)


def test_whole_wins_over_cut_and_owner_over_score() -> None:
    boxes = np.array([[50.0, 50, 20, 20, 0], [51, 50, 20, 20, 0], [55, 50, 10, 20, 0]])
    found = made(boxes, np.array([0.6, 0.9, 0.95]), np.array([0, 1, 2]))
    seen = Seen(owned=np.array([True, False, True]), cut=np.array([False, False, True]))
    assert resolve(found, 0.5, seen).tolist() == [True, False, False]


def test_an_object_that_each_tile_places_in_the_other_is_kept_once() -> None:
    boxes = np.array([[50.5, 50, 20, 20, 0], [49.5, 50, 20, 20, 0], [150, 50, 20, 20, 0]])
    found = made(boxes, np.array([0.6, 0.9, 0.9]), np.array([0, 1, 1]))
    seen = Seen(owned=np.zeros(3, bool), cut=np.zeros(3, bool))
    assert resolve(found, 0.5, seen).tolist() == [False, True, False]


def test_classes_do_not_suppress_each_other() -> None:
    boxes = np.array([[50.0, 50, 20, 20, 0]] * 2)
    found = made(boxes, np.array([0.6, 0.9]), np.array([0, 1]), np.array([0, 1]))
    assert resolve(found, 0.5).all()


def test_nothing_gives_nothing() -> None:
    assert len(resolve(Candidates.none(), 0.5)) == 0
    assert len(suppress(Candidates.none(), 0.5)) == 0
