"""Random crops of the training windows, with what the head should say about them. Called by the loop, one batch ahead.

A crop never leaves its window: no pixel outside the snapshot's part of an item is ever seen in training. Every crop
follows from (seed, step, place in the batch) alone, so a resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.snapshot import PixelWindow
from appliance.training import augment, targets
from appliance.training.configuration import TrainingConfiguration
from appliance.training.scenes import Scene, read, resample

_LEAST_VISIBLE_PIXELS = 4.0


@dataclass(frozen=True)
class Batch:
    """tiles uint8 (N,S,S,3); heat (N,C,s,s), sides (N,4,s,s), weight (N,s,s) float32, s = S / 4."""

    tiles: Tensor
    heat: Tensor
    sides: Tensor
    weight: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(each.to(device) for each in (self.tiles, self.heat, self.sides, self.weight)))


@dataclass(frozen=True)
class Place:
    """Where a crop is cut: scene pixels, and the side of the square; `zoom` is crop pixels per scene pixel."""

    scene: Scene
    x: int
    y: int
    side: int
    width: int
    height: int
    zoom: float


class Crops:
    """Endless batches over the training windows; larger windows are drawn more often, by area.

    Of processes that train together each has its `rank`, and the places in the batch that no other has.
    """

    def __init__(self, scenes: list[Scene], classes: int, configuration: TrainingConfiguration, rank: int = 0) -> None:
        self._configuration = configuration
        self._first_place = rank * configuration.batch_size
        self._classes = classes
        self._windows = [(scene, window) for scene in scenes for window in scene.windows]
        if not any(len(scene.boxes) for scene in scenes):
            raise VedetteError(Code.LABELS, "The training snapshot holds no annotations.", "Import labels first.")
        areas = np.array([w.width * w.height * s.scale**2 for s, w in self._windows], np.float64)
        self._share = areas / areas.sum()

    def batches(self, first: int, last: int) -> Iterator[Batch]:
        """The batches of steps first..last-1; the next one is made while the caller works on the current one."""
        with ThreadPoolExecutor(1, thread_name_prefix="crops") as ahead:
            waiting = ahead.submit(self.batch, first) if first < last else None
            for step in range(first, last):
                assert waiting is not None  # noqa: S101
                ready = waiting.result()
                waiting = ahead.submit(self.batch, step + 1) if step + 1 < last else None
                yield ready

    def batch(self, step: int) -> Batch:
        places = range(self._first_place, self._first_place + self._configuration.batch_size)
        crops = [self._crop(step, place) for place in places]
        tiles, goals = [tile for tile, _ in crops], [goal for _, goal in crops]
        return Batch(
            torch.from_numpy(np.stack(tiles)),
            torch.from_numpy(np.stack([goal.heat for goal in goals])),
            torch.from_numpy(np.stack([goal.sides for goal in goals])),
            torch.from_numpy(np.stack([goal.weight for goal in goals])),
        )

    def _crop(self, step: int, index: int) -> tuple[NDArray[np.uint8], targets.Targets]:
        configuration = self._configuration
        draw = np.random.default_rng([configuration.seed, step, index])
        scene, window = self._windows[int(draw.choice(len(self._windows), p=self._share))]
        reach = np.log(configuration.augmentation.scale)
        zoom = scene.scale * float(np.exp(draw.uniform(-reach, reach)))
        place = locate(scene, window, configuration.crop_size, zoom, draw)
        image, boxes, classes = cut(place, window, configuration.crop_size)
        image, boxes = augment.turn(image, boxes, int(draw.integers(4)), bool(draw.integers(2)))
        image = augment.recolour(image, configuration.augmentation, draw)
        return image, targets.encode(boxes, classes, self._classes, configuration.crop_size)


def locate(scene: Scene, window: PixelWindow, size: int, zoom: float, draw: np.random.Generator) -> Place:
    """A square of `size` crop pixels somewhere in the window; cut short where the window is smaller."""
    side = max(1, round(size / zoom))
    width, height = min(side, window.width), min(side, window.height)
    x = window.x + int(draw.integers(window.width - width + 1))
    y = window.y + int(draw.integers(window.height - height + 1))
    return Place(scene, x, y, side, width, height, size / side)


def cut(
    place: Place, window: PixelWindow, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int64]]:
    """Pixels (size,size,3), boxes (n,4) in crop pixels, and classes (n,) of the objects centred in the crop."""
    scene = place.scene
    square = np.zeros((place.side, place.side, 3), np.uint8)
    square[: place.height, : place.width] = read(scene, (place.x, place.y, place.width, place.height))
    image = resample(square, size, size)
    seen = PixelWindow(x=place.x, y=place.y, width=place.width, height=place.height)
    chosen = scene.inside(seen) & scene.inside(window)
    origin = np.array([place.x, place.y, place.x, place.y], np.float32)
    boxes = (scene.boxes[chosen] - origin) * np.float32(place.zoom)
    large = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) >= _LEAST_VISIBLE_PIXELS
    return image, boxes[large], scene.classes[chosen][large]
