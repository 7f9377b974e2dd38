"""What figures mean, and which annotations look wrong: pure."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from appliance.contracts.snapshot import PixelWindow, SnapshotItem
from appliance.training.cluster import judgement
from appliance.training.evaluation import Choice
from appliance.training.scenes import Scene
from appliance.training.tiles import Found

SHARE = st.floats(0, 1)
DIGEST = "sha256:" + "0" * 64


@given(SHARE, SHARE)
def test_fit_is_one_of_three_and_underfit_only_where_both_are_poor(on_training: float, elsewhere: float) -> None:
    fit = judgement.fit(on_training, elsewhere)
    assert (fit == "Underfit") == (on_training < 0.5 and elsewhere < 0.5)
    assert fit != "Overfit" or on_training > elsewhere


def test_fit_by_example() -> None:
    assert judgement.fit(0.9, 0.85) == "Good"
    assert judgement.fit(0.9, 0.6) == "Overfit"
    assert judgement.fit(0.3, 0.25) == "Underfit"


def scene(boxes: list[list[float]], classes: list[int]) -> Scene:
    item = SnapshotItem(
        item_id=UUID(int=1),
        name="a",
        original_sha256=DIGEST,
        scene_sha256=DIGEST,
        width=100,
        height=100,
        transform=(1, 0, 0, 0, 1, 0),
    )
    window = PixelWindow(x=0, y=0, width=100, height=100)
    held = np.array(boxes, np.float32).reshape(-1, 4)
    return Scene(item, Path("a.tif"), 1.0, [window], held, np.array(classes, np.int64))


def count(truth: Scene, boxes: list[list[float]], scores: list[float], classes: list[int]) -> int:
    seen = Found(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(classes, np.int64))
    return judgement.outliers([(truth, [seen])], Choice(0.4, 0.5, 0.0))


BOX, FAR = [10.0, 10.0, 30.0, 30.0], [60.0, 60.0, 80.0, 80.0]


def test_outliers_are_missed_mislabelled_and_missing_annotations() -> None:
    truth = scene([BOX], [0])
    assert count(truth, [BOX], [0.9], [0]) == 0
    assert count(truth, [BOX], [0.25], [0]) == 0  # weakly seen, but seen
    assert count(truth, [], [], []) == 1  # nothing there that the model would know
    assert count(truth, [BOX], [0.9], [1]) == 1  # another class, for certain
    assert count(truth, [BOX, FAR], [0.9, 0.95], [0, 0]) == 1  # nobody labelled the second
    assert count(truth, [BOX, FAR], [0.9, 0.5], [0, 0]) == 0  # not certain enough
    assert count(scene([], []), [], [], []) == 0
