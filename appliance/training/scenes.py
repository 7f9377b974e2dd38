"""The scenes of a snapshot as training sees them: 8-bit colour at the nominal ground sample distance, windows respected.

Called by the crops, by evaluation and by the loop. Reads snapshots and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import GsdRange
from appliance.contracts.snapshot import PixelWindow, SnapshotItem
from appliance.formats.snapshot import Snapshot
from appliance.vision.metrics import envelope

BANDS = ("red", "green", "blue")


@dataclass(frozen=True)
class Scene:
    """One item: its file, its windows and its labels in full-resolution pixels.

    `scale` is nominal pixels per scene pixel; boxes (n,4) x0,y0,x1,y1 float32; classes (n,) index into the labels.
    """

    item: SnapshotItem
    path: Path
    scale: float
    windows: list[PixelWindow]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]

    def inside(self, window: PixelWindow) -> NDArray[np.bool_]:
        """Which boxes have their centre in the window."""
        x = (self.boxes[:, 0] + self.boxes[:, 2]) / 2 - window.x
        y = (self.boxes[:, 1] + self.boxes[:, 3]) / 2 - window.y
        inside: NDArray[np.bool_] = (x >= 0) & (x < window.width) & (y >= 0) & (y < window.height)
        return inside


def load(snapshot: Snapshot, labels: list[str], gsd: GsdRange | None) -> list[Scene]:
    """Raises VedetteError(LABELS | GSD | NOT_FOUND | BANDS | UNSUPPORTED) naming the item that training cannot use."""
    by_item: dict[str, list[tuple[list[float], int]]] = {str(item.item_id): [] for item in snapshot.manifest.items}
    for annotation in snapshot.annotations():
        if annotation.label not in labels:
            raise VedetteError(
                Code.LABELS,
                f"{snapshot.folder} holds the label {annotation.label}, which the training snapshot does not.",
                "Make the snapshots from the same labels.",
            )
        labelled = (list(envelope(annotation.box)), labels.index(annotation.label))
        by_item[str(annotation.item_id)].append(labelled)
    return [_scene(snapshot, item, by_item[str(item.item_id)], gsd) for item in snapshot.manifest.items]


def _scene(
    snapshot: Snapshot, item: SnapshotItem, labelled: list[tuple[list[float], int]], gsd: GsdRange | None
) -> Scene:
    path = snapshot.scene_path(item.item_id)
    _check(path, item, gsd)
    whole = PixelWindow(x=0, y=0, width=item.width, height=item.height)
    scale = item.gsd_metres / gsd.nominal if gsd and item.gsd_metres else 1.0
    boxes = np.array([box for box, _ in labelled], np.float32).reshape(-1, 4)
    classes = np.array([index for _, index in labelled], np.int64)
    return Scene(item, path, scale, list(item.windows) or [whole], boxes, classes)


def _check(path: Path, item: SnapshotItem, gsd: GsdRange | None) -> None:
    if gsd and item.gsd_metres and not gsd.minimum <= item.gsd_metres <= gsd.maximum:
        raise VedetteError(
            Code.GSD,
            f"{item.name} has {item.gsd_metres:.3g} m per pixel, outside {gsd.minimum:.3g} to {gsd.maximum:.3g} m.",
            "Widen gsd_metres in the training configuration or leave the item out of the snapshot.",
        )
    if not path.is_file():
        raise VedetteError(
            Code.NOT_FOUND, f"{path} is missing.", "Pull the snapshot again with `vedette dataset pull`."
        )
    with rasterio.open(path) as source:
        if source.count < len(BANDS):
            raise VedetteError(
                Code.BANDS, f"{item.name} has {source.count} band(s), training needs 3.", "Leave the item out."
            )
        if any(dtype != "uint8" for dtype in source.dtypes[:3]):
            raise VedetteError(
                Code.UNSUPPORTED, f"{item.name} holds {source.dtypes[0]}, training needs 8-bit.", "Leave the item out."
            )


def read(scene: Scene, window: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The pixels of a window (x, y, width, height) as uint8 (h,w,3); parts right of or below the scene are black."""
    x, y, width, height = window
    with rasterio.open(scene.path) as source:
        inside = Window(x, y, min(width, source.width - x), min(height, source.height - y))
        data = source.read([1, 2, 3], window=inside)
    image = np.zeros((height, width, 3), np.uint8)
    image[: data.shape[1], : data.shape[2]] = data.transpose(1, 2, 0)
    return image


def resample(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """By area when shrinking, linearly when growing."""
    if image.shape[:2] == (height, width):
        return image
    how = cv2.INTER_AREA if image.shape[1] > width else cv2.INTER_LINEAR
    resampled: NDArray[np.uint8] = np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)
    return resampled
