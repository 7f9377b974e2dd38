"""Rotated boxes and instance masks from the scene to the file: found once at any seam, with the right shape on the ground."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from appliance.vision.georeference import Georeference
from tests.inference import scenes
from tests.inference.models import Blobs, manifest

_SIZE = 420
_GROUND = Georeference.of("EPSG:32617", (0.1, 0, 400_000, 0, -0.1, 3_300_000), "scene")


def parts(tile: NDArray[Any]) -> list[NDArray[np.uint8]]:
    """A mask for each connected bright part of the first band."""
    count, labels = cv2.connectedComponents((tile[..., 0] > 127).astype(np.uint8), connectivity=8)
    return [(labels == label).astype(np.uint8) for label in range(1, count)]


class Turned(Blobs):
    """The smallest rotated rectangle around every part."""

    def infer(self, tiles: NDArray[Any]) -> dict[str, NDArray[Any]]:
        boxes = np.zeros((len(tiles), self.most, 5), np.float32)
        scores = np.zeros((len(tiles), self.most), np.float32)
        for place, tile in enumerate(tiles):
            for slot, part in enumerate(parts(tile)):
                (x, y), (wide, high), angle = cv2.minAreaRect(cv2.findNonZero(part))
                boxes[place, slot] = x + 0.5, y + 0.5, wide + 1, high + 1, angle
                scores[place, slot] = 0.9
        return {"boxes": boxes, "scores": scores, "classes": np.zeros(scores.shape, np.int64)}


class Masked(Blobs):
    """The box of every part with a mask of 28 x 28 over it."""

    def infer(self, tiles: NDArray[Any]) -> dict[str, NDArray[Any]]:
        outputs = super().infer(tiles)
        masks = np.zeros((*outputs["scores"].shape, 28, 28), np.float32)
        for place, tile in enumerate(tiles):
            for slot, part in enumerate(parts(tile)):
                x, y, wide, high = cv2.boundingRect(part)
                own = part[y : y + high, x : x + wide].astype(np.float32)
                masks[place, slot] = cv2.resize(own, (28, 28), interpolation=cv2.INTER_AREA)
        return {**outputs, "masks": masks}


ways = st.builds(
    PredictOptions,
    batch_size=st.integers(1, 5),
    band_tile_rows=st.integers(1, 4),
    phase=st.tuples(st.integers(0, 63), st.integers(0, 63)),
    buffer_bytes=st.sampled_from([1, 96 << 20]),
)
centres = st.integers(40, _SIZE - 40)


def found(image: NDArray[np.uint8], backend: Blobs, kind: str, options: PredictOptions) -> dict[str, list[Any]]:
    with tempfile.TemporaryDirectory() as folder:
        scene = scenes.write(Path(folder, "scene.tif"), np.stack([image] * 3))
        out = Path(folder, "out.parquet")
        point = {"threshold": 0.3, "overlap": 0.3}
        head = manifest(decode={"kind": kind}, running_point=point)
        predict_scene(SceneSource(str(scene), "scene"), head, backend, out, options)
        return dict(pq.read_table(out).to_pydict())


def on_scene(wkb: bytes) -> shapely.Geometry:
    """The geometry of a row in the scene's pixels."""
    return shapely.transform(shapely.from_wkb(wkb), _GROUND.pixels)


@settings(max_examples=12)
@given(centres, centres, st.integers(20, 44), st.integers(6, 14), st.integers(-89, 89), ways)
def test_a_rotated_box_is_found_once_with_its_angle(
    x: int, y: int, long: int, short: int, angle: int, options: PredictOptions
) -> None:
    image = np.full((_SIZE, _SIZE), 20, np.uint8)
    drawn = cv2.boxPoints(((x, y), (long, short), angle))
    cv2.fillPoly(image, [np.rint(drawn).astype(np.int32)], 220)
    rows = found(image, Turned(), "rotated-boxes", options)
    assert len(rows["x"]) == 1
    assert (rows["x"][0], rows["y"][0]) == pytest.approx((x + 0.5, y + 0.5), abs=1.5)
    assert -90 <= rows["angle_degrees"][0] < 90
    covered = cv2.boxPoints(((x + 0.5, y + 0.5), (long + 1.5, short + 1.5), angle))  # whole pixels are painted
    shape, there = on_scene(rows["geometry"][0]), shapely.Polygon(covered)
    assert shape.intersection(there).area / shape.union(there).area > 0.7
    assert rows["area_square_metres"][0] == pytest.approx(shape.area * 0.01, rel=5e-3)


@settings(max_examples=12)
@given(centres, centres, ways)
def test_a_mask_is_found_once_with_its_outline(x: int, y: int, options: PredictOptions) -> None:
    image = np.full((_SIZE, _SIZE), 20, np.uint8)
    image[y - 20 : y + 20, x - 20 : x - 6] = 220
    image[y + 6 : y + 20, x - 20 : x + 20] = 220
    rows = found(image, Masked(), "instance-masks", options)
    assert len(rows["x"]) == 1
    shape = on_scene(rows["geometry"][0])
    ell = shapely.box(x - 20, y - 20, x - 6, y + 20).union(shapely.box(x - 20, y + 6, x + 20, y + 20))
    assert shape.intersection(ell).area / shape.union(ell).area > 0.95
    assert rows["area_square_metres"][0] == pytest.approx(ell.area * 0.01, rel=0.05)
