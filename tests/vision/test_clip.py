"""Boxes end where the scene ends."""

from __future__ import annotations

import numpy as np

from appliance.vision import clip
from appliance.vision.candidates import Candidates, envelopes


def _boxes(*rows: tuple[float, float, float, float, float]) -> Candidates:
    count = len(rows)
    return Candidates(
        np.zeros(count, np.int64),
        np.array(rows, np.float64).reshape(count, 5),
        np.linspace(0.9, 0.1, count).astype(np.float32),
        np.zeros(count, np.int64),
    )


def test_boxes_inside_stay_as_they_are() -> None:
    given = _boxes((50, 40, 20, 10, 0), (10, 5, 20, 10, 0))
    np.testing.assert_array_equal(clip.to_scene(given, 100, 80).boxes, given.boxes)


def test_boxes_are_cut_at_each_edge() -> None:
    found = clip.to_scene(_boxes((2, 40, 10, 10, 0), (99, 79, 10, 10, 0)), 100, 80)
    np.testing.assert_allclose(envelopes(found.boxes), [(0, 35, 7, 45), (94, 74, 100, 80)])


def test_what_lies_outside_is_dropped() -> None:
    found = clip.to_scene(_boxes((-10, 40, 10, 10, 0), (50, 40, 10, 10, 0), (50, 90, 10, 10, 0)), 100, 80)
    assert found.boxes[:, 0].tolist() == [50]


def test_a_rotated_box_keeps_its_shape() -> None:
    given = _boxes((2, 40, 10, 10, 30))
    np.testing.assert_array_equal(clip.to_scene(given, 100, 80).boxes, given.boxes)


def test_nothing_stays_nothing() -> None:
    assert len(clip.to_scene(_boxes(), 100, 80)) == 0
