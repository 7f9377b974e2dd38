"""A tiny snapshot to train on: bright discs of known size on grey ground, and a configuration that learns them in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from appliance.contracts.detection import PixelBox
from appliance.contracts.item import item_id
from appliance.contracts.snapshot import ITEMS_FOLDER, PixelWindow, SnapshotAnnotation, SnapshotItem
from appliance.formats import digest, snapshot
from appliance.formats.snapshot import Snapshot
from appliance.training.configuration import Augmentation, TrainingConfiguration

SIZE = 256
pytestmark = pytest.mark.training


@dataclass(frozen=True)
class Part:
    """Which discs scene a snapshot is made from, and how much of it the snapshot covers."""

    seed: int = 0
    windows: tuple[PixelWindow, ...] = ()
    gsd_metres: float | None = None
    bands: int = 3
    dtype: str = "uint8"


MakeSnapshot = Callable[[Part], Snapshot]


def discs(seed: int) -> tuple[np.ndarray, list[PixelBox]]:
    draw = np.random.default_rng(seed)
    image = draw.integers(90, 110, (SIZE, SIZE, 3), np.uint8)
    boxes = []
    for row in range(4):
        for column in range(4):
            x, y = 32 + 64 * column + int(draw.integers(-8, 9)), 32 + 64 * row + int(draw.integers(-8, 9))
            radius = int(draw.integers(8, 18))
            cv2.circle(image, (x, y), radius, (210, 220, 80), -1)
            boxes.append(PixelBox(x=x + 0.5, y=y + 0.5, width=2 * radius + 1, height=2 * radius + 1))
    return image, boxes


@pytest.fixture(scope="session")
def make_snapshot(tmp_path_factory: pytest.TempPathFactory) -> MakeSnapshot:
    def make(part: Part) -> Snapshot:
        folder = tmp_path_factory.mktemp("snapshot")
        image, boxes = discs(part.seed)
        sha256 = digest.of_bytes(image.tobytes())
        identifier = item_id("discs", sha256)
        scene = folder / ITEMS_FOLDER / f"{identifier}.tif"
        scene.parent.mkdir()
        shape = {"width": SIZE, "height": SIZE, "count": part.bands, "dtype": part.dtype}
        with pytest.warns(NotGeoreferencedWarning), rasterio.open(scene, "w", driver="GTiff", **shape) as target:
            target.write(image.transpose(2, 0, 1)[: part.bands].astype(part.dtype))
        item = SnapshotItem(
            item_id=identifier,
            name=f"discs-{part.seed}.tif",
            original_sha256=sha256,
            scene_sha256=digest.of_file(scene),
            width=SIZE,
            height=SIZE,
            gsd_metres=part.gsd_metres,
            transform=(1, 0, 0, 0, 1, 0),
            windows=list(part.windows),
        )
        labels = [SnapshotAnnotation(item=item.name, label="disc", box=box, item_id=identifier) for box in boxes]
        return snapshot.write(folder, "discs", [item], labels)

    return make


@pytest.fixture(scope="session")
def configuration() -> TrainingConfiguration:
    return TrainingConfiguration(
        name="discs",
        version="1.0.0",
        licence="CC0-1.0",
        tile_size=128,
        halo=32,
        maximum_per_tile=40,
        width=16,
        epochs=4,
        steps_per_epoch=15,
        batch_size=4,
        crop_size=128,
        learning_rate=4e-3,
        averaging=0.9,
        validate_every=4,
        augmentation=Augmentation(scale=1.1, noise=0),
        threads=1,
        seed=3,
    )
