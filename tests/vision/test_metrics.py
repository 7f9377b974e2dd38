"""Matching and the figures made of it: against a plain reference, hand-computed cases, and their own invariants."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.contracts.detection import PixelBox
from appliance.vision import metrics
from appliance.vision.metrics import Counts, Scored

corner = st.integers(0, 30)
side = st.integers(1, 15)
boxes_strategy = st.lists(
    st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])), max_size=14
)


def boxes_of(rows: list[tuple[int, int, int, int]]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 4)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def reference(boxes: np.ndarray, scores: np.ndarray, truth: np.ndarray, overlap: float) -> list[int]:
    """pycocotools' evaluateImg, without crowds and areas, written as plainly as can be."""
    found, taken = [-1] * len(boxes), set()
    for index in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        best, target = overlap, -1
        for other in range(len(truth)):
            shared = iou(boxes[index], truth[other])
            if other not in taken and shared >= overlap and (target == -1 or shared > best):
                best, target = shared, other
        if target >= 0:
            found[index] = target
            taken.add(target)
    return found


@settings(deadline=None)
@given(boxes_strategy, boxes_strategy, st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.integers(0, 1000))
def test_matching_is_what_coco_does(
    found: list[tuple[int, int, int, int]], true: list[tuple[int, int, int, int]], overlap: float, seed: int
) -> None:
    boxes, truth = boxes_of(found), boxes_of(true)
    scores = np.random.default_rng(seed).integers(0, 5, len(boxes)) / 4
    matched = metrics.match(boxes, scores, truth, overlap)
    assert matched.tolist() == reference(boxes, scores, truth, overlap)
    hits = matched[matched >= 0]
    assert len(set(hits.tolist())) == len(hits)


@settings(deadline=None)
@given(boxes_strategy, boxes_strategy, st.floats(0, 1), st.integers(0, 1000))
def test_matching_above_a_threshold_is_the_upper_part_of_matching_all(
    found: list[tuple[int, int, int, int]], true: list[tuple[int, int, int, int]], threshold: float, seed: int
) -> None:
    boxes, truth = boxes_of(found), boxes_of(true)
    scores = np.random.default_rng(seed).random(len(boxes))
    everything = Scored.of(scores, metrics.match(boxes, scores, truth, 0.4), len(truth))
    assert everything.counts(threshold) == metrics.compare(boxes, scores, truth, threshold, 0.4)


@settings(deadline=None)
@given(boxes_strategy, st.integers(0, 1000))
def test_everything_found_is_a_perfect_score(true: list[tuple[int, int, int, int]], seed: int) -> None:
    truth = boxes_of(sorted(set(true)))
    order = np.random.default_rng(seed).permutation(len(truth))
    scores = np.linspace(0.9, 0.5, len(truth))
    matched = metrics.match(truth[order], scores, truth, 0.99)
    assert (truth[matched] == truth[order]).all()
    scored = Scored.of(scores, matched, len(truth))
    for interpolation in ("coco", "all-points"):
        assert metrics.average_precision(scored, interpolation) == pytest.approx(1.0 if len(truth) else 0.0)


def test_classes_keep_apart() -> None:
    box = [[0, 0, 10, 10]]
    assert metrics.match(box, [0.9], box, 0.5, [0], [1]).tolist() == [-1]
    assert metrics.match(box, [0.9], box, 0.5, ["a"], ["a"]).tolist() == [0]


# Scores 0.9, 0.8, 0.7, 0.6, 0.5 of which right, wrong, right, wrong, right; four true objects.
# Precision 1, 1/2, 2/3, 1/2, 3/5 at recall 1/4, 1/4, 1/2, 1/2, 3/4; made monotone: 1, 2/3, 2/3, 3/5, 3/5.
BY_HAND = Scored(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, False, True, False, True]), 4)


def test_average_precision_by_hand() -> None:
    assert metrics.average_precision(BY_HAND, "all-points") == pytest.approx(0.25 * (1 + 2 / 3 + 3 / 5))
    # Of the 101 recall levels 0.00-0.25 read 1 (26), 0.26-0.50 read 2/3 (25), 0.51-0.75 read 3/5 (25), the rest 0.
    assert metrics.average_precision(BY_HAND) == pytest.approx((26 * 1 + 25 * 2 / 3 + 25 * 3 / 5) / 101)


def test_average_precision_knows_no_other_interpolation() -> None:
    with pytest.raises(ValueError, match="coco or all-points"):
        metrics.average_precision(BY_HAND, "11-points")


def test_curve_by_hand() -> None:
    line = metrics.curve(BY_HAND)
    assert line.thresholds.tolist() == [0.9, 0.8, 0.7, 0.6, 0.5]
    assert line.precision == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2, 3 / 5])
    assert line.recall == pytest.approx([1 / 4, 1 / 4, 1 / 2, 1 / 2, 3 / 4])
    assert line.f1[4] == pytest.approx(BY_HAND.counts(0.5).f1) == pytest.approx(2 / 3)


def test_curve_gives_equal_scores_one_point() -> None:
    line = metrics.curve(Scored(np.array([0.5, 0.5, 0.5]), np.array([True, False, True]), 2))
    assert (line.thresholds.tolist(), line.precision.tolist(), line.recall.tolist()) == ([0.5], [2 / 3], [1.0])


def test_nothing_found_and_nothing_there() -> None:
    none = np.zeros((0, 4))
    assert metrics.match(none, [], [[0, 0, 1, 1]], 0.5).tolist() == []
    assert metrics.match([[0, 0, 1, 1]], [0.5], none, 0.5).tolist() == [-1]
    empty = Scored.joined([])
    assert metrics.average_precision(empty) == 0
    assert len(metrics.curve(empty).f1) == 0
    counts = empty.counts(0.5)
    assert (counts.precision, counts.recall, counts.f1) == (0, 0, 0)


def test_counts_add_up() -> None:
    assert Counts(1, 2, 3) + Counts(4, 5, 6) == Counts(5, 7, 9)
    assert Counts(3, 1, 2).precision == 3 / 4
    assert Counts(3, 1, 2).recall == 3 / 5


def test_confusion() -> None:
    truth = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]])
    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [80, 0, 90, 10]])
    matched = metrics.match(boxes, [0.9, 0.8, 0.7], truth, 0.5)
    table = metrics.confusion(matched, [0, 1, 1], [0, 0, 1], 2)
    assert table.tolist() == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    ("angle", "expected"), [(0, (0, 10, 40, 30)), (-90, (10, 0, 30, 40)), (45, (-1.2132, -1.2132, 41.2132, 41.2132))]
)
def test_envelope(angle: float, expected: tuple[float, ...]) -> None:
    box = PixelBox(x=20, y=20, width=40, height=20, angle_degrees=angle)
    assert metrics.envelope(box) == pytest.approx(expected, abs=1e-3)


def test_a_hundred_thousand_boxes() -> None:
    draw = np.random.default_rng(0)
    origin = draw.uniform(0, 20_000, (100_000, 2))
    truth = np.concatenate([origin, origin + draw.uniform(20, 60, (100_000, 2))], axis=1)
    boxes = truth + draw.normal(0, 3, truth.shape)
    began = time.process_time()
    matched = metrics.match(boxes, draw.random(len(boxes)), truth, 0.4)
    assert (matched >= 0).mean() > 0.95
    assert time.process_time() - began < 20
