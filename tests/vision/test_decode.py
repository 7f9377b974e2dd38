from __future__ import annotations

import numpy as np
import pytest

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import DecodeHead
from appliance.vision.decode import decoder


def test_boxes_keep_the_best_of_a_crowded_tile() -> None:
    boxes = np.array([[[0, 0, 4, 8], [10, 10, 12, 12], [20, 20, 30, 30]], [[1, 1, 2, 2]] * 3], np.float32)
    scores = np.array([[0.5, 0.9, 0.7], [0.1, 0.2, 0.6]], np.float32)
    outputs = {"b": boxes, "scores": scores, "classes": np.ones((2, 3), np.int64)}
    head = DecodeHead(kind="boxes", outputs={"boxes": "b"}, maximum_per_tile=2)
    found = decoder(head)(outputs, 0.4)
    assert found.tile.tolist() == [0, 0, 1]
    assert found.boxes[0].tolist() == [11, 11, 2, 2, 0]
    assert found.boxes[1].tolist() == [25, 25, 10, 10, 0]
    assert found.classes.tolist() == [1, 1, 1]


def test_boxes_without_area_or_with_nan_are_left_out() -> None:
    boxes = np.array([[[0, 0, 4, 8], [5, 5, 5, 9], [np.nan, 0, 1, 1]]], np.float32)
    outputs = {"boxes": boxes, "scores": np.ones((1, 3), np.float32), "classes": np.zeros((1, 3), np.int64)}
    assert len(decoder(DecodeHead(kind="boxes"))(outputs, 0.4)) == 1


@pytest.mark.parametrize(("angle", "expected"), [(90, -90), (-91, 89), (30, 30), (180, 0)])
def test_angles_are_brought_into_range(angle: float, expected: float) -> None:
    boxes = np.array([[[5, 5, 4, 2, angle]]], np.float32)
    outputs = {"boxes": boxes, "scores": np.ones((1, 1), np.float32), "classes": np.zeros((1, 1), np.int64)}
    assert decoder(DecodeHead(kind="rotated-boxes"))(outputs, 0.4).boxes[0, 4] == pytest.approx(expected)


def test_centre_finds_peaks_with_size_and_offset() -> None:
    heatmap = np.zeros((1, 2, 8, 8), np.float32)
    heatmap[0, 1, 3, 5] = 0.8
    heatmap[0, 1, 3, 6] = 0.7  # a neighbour of the peak is no peak
    heatmap[0, 0, 7, 0] = 0.6
    size = np.full((1, 2, 8, 8), 10, np.float32)
    offset = np.full((1, 2, 8, 8), 0.25, np.float32)
    outputs = {"heatmap": heatmap, "size": size, "offset": offset}
    found = decoder(DecodeHead(kind="centre", stride=4))(outputs, 0.5)
    assert found.boxes.tolist() == [[1, 29, 10, 10, 0], [21, 13, 10, 10, 0]]
    assert found.classes.tolist() == [0, 1]
    assert found.scores.tolist() == pytest.approx([0.6, 0.8])


def test_a_mask_becomes_its_outline() -> None:
    mask = np.zeros((1, 1, 16, 16), np.float32)
    mask[0, 0, 4:12, 4:12] = 1
    outputs = {
        "boxes": np.array([[[100, 100, 132, 132]]], np.float32),
        "scores": np.ones((1, 1), np.float32),
        "classes": np.zeros((1, 1), np.int64),
        "masks": mask,
    }
    found = decoder(DecodeHead(kind="instance-masks"))(outputs, 0.5)
    assert found.outlines is not None
    low, high = found.outlines.points.min(axis=0), found.outlines.points.max(axis=0)
    assert low == pytest.approx([108, 108], abs=0.5)
    assert high == pytest.approx([124, 124], abs=0.5)


@pytest.mark.parametrize(
    "outputs",
    [
        {"boxes": np.zeros((1, 3, 4)), "scores": np.ones((1, 3))},
        {"boxes": np.zeros((1, 3, 3)), "scores": np.ones((1, 3)), "classes": np.zeros((1, 3))},
        {"boxes": np.zeros((1, 2, 4)), "scores": np.ones((1, 3)), "classes": np.zeros((1, 3))},
    ],
)
def test_outputs_that_do_not_fit_are_the_packages_fault(outputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(VedetteError) as refused:
        decoder(DecodeHead(kind="boxes"))(outputs, 0.5)
    assert refused.value.reason.code is Code.MODEL_PACKAGE
