"""A model over whole windows of scenes: tiles with a halo, each object owned by the core cell that holds its centre.

The trainer's own simple tiler: it holds one scene at a time in memory and is called by evaluation and by the search for
the running point. The product's streaming one lives in `inference`, which training may not import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import batched_nms

from appliance.contracts.snapshot import PixelWindow
from appliance.training.scenes import Scene, read, resample

TileModel = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]]
"""tiles uint8 (N,T,T,3) -> boxes (N,K,4) x0,y0,x1,y1 in tile pixels, scores (N,K), classes (N,K)."""

_BATCH = 4


@dataclass(frozen=True)
class Found:
    """Candidates of one window in full-resolution scene pixels: boxes (n,4), scores (n,), classes (n,)."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]

    def resolved(self, overlap: float) -> Found:
        """Of candidates of one class that overlap by more than `overlap` (IoU) only the best stays."""
        kept = batched_nms(
            torch.from_numpy(self.boxes), torch.from_numpy(self.scores), torch.from_numpy(self.classes), overlap
        ).numpy()
        return Found(self.boxes[kept], self.scores[kept], self.classes[kept])


def find(model: TileModel, scene: Scene, window: PixelWindow, tile_size: int, halo: int, least: float) -> Found:
    """Candidates of at least score `least` centred in the window, before overlap is resolved.

    The surroundings of the window are seen, as a run on the whole scene would see them.
    """
    image, left, top = _surroundings(scene, window, halo)
    parts = [_owned(batch, model, tile_size, halo, least) for batch in _batches(image, tile_size, halo)]
    scale, origin = np.float32(1 / scene.scale), np.array([left, top, left, top], np.float32)
    boxes = np.concatenate([part.boxes for part in parts]) * scale + origin
    scores = np.concatenate([part.scores for part in parts])
    classes = np.concatenate([part.classes for part in parts])
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2 - window.x, (boxes[:, 1] + boxes[:, 3]) / 2 - window.y
    inside = (x >= 0) & (x < window.width) & (y >= 0) & (y < window.height)
    return Found(boxes[inside], scores[inside], classes[inside])


def _surroundings(scene: Scene, window: PixelWindow, halo: int) -> tuple[NDArray[np.uint8], int, int]:
    reach = round(halo / scene.scale)
    left, top = max(0, window.x - reach), max(0, window.y - reach)
    right = min(scene.item.width, window.x + window.width + reach)
    bottom = min(scene.item.height, window.y + window.height + reach)
    image = read(scene, (left, top, right - left, bottom - top))
    width, height = round(image.shape[1] * scene.scale), round(image.shape[0] * scene.scale)
    return resample(image, max(1, width), max(1, height)), left, top


@dataclass(frozen=True)
class _Batch:
    tiles: NDArray[np.uint8]
    origins: NDArray[np.float32]


def _batches(image: NDArray[np.uint8], tile_size: int, halo: int) -> Iterator[_Batch]:
    core = tile_size - 2 * halo
    height, width = image.shape[:2]
    padded = np.pad(image, ((halo, halo + core), (halo, halo + core), (0, 0)))
    corners = [(x, y) for y in range(0, height, core) for x in range(0, width, core)]
    for first in range(0, len(corners), _BATCH):
        chosen = corners[first : first + _BATCH]
        tiles: NDArray[np.uint8] = np.stack([padded[y : y + tile_size, x : x + tile_size] for x, y in chosen])
        yield _Batch(tiles, np.array([(x - halo, y - halo) for x, y in chosen], np.float32))


def _owned(batch: _Batch, model: TileModel, tile_size: int, halo: int, least: float) -> Found:
    boxes, scores, classes = model(batch.tiles)
    x, y = (boxes[..., 0] + boxes[..., 2]) / 2 - halo, (boxes[..., 1] + boxes[..., 3]) / 2 - halo
    core = tile_size - 2 * halo
    mine = (x >= 0) & (x < core) & (y >= 0) & (y < core) & (scores >= least)
    moved = boxes + np.concatenate([batch.origins, batch.origins], axis=1)[:, None, :]
    return Found(moved[mine], scores[mine], classes[mine])
