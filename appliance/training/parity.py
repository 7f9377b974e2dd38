"""How far the exported file is from the network it was exported from, on real tiles. Called by job.py and tests."""

from __future__ import annotations

import numpy as np

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.snapshot import PixelWindow
from appliance.training.configuration import TrainingConfiguration
from appliance.training.scenes import Scene, read
from appliance.training.tiles import TileModel

_TILES = 3
_CERTAIN = 0.05
_LARGEST_SCORE_DIFFERENCE = 1e-3
_LARGEST_BOX_DIFFERENCE = 0.05


def measure(
    network: TileModel, exported: TileModel, scenes: list[Scene], configuration: TrainingConfiguration
) -> dict[str, float]:
    """Largest differences over candidates that score at least 0.05, in score and in pixels of a box side.

    Raises VedetteError(MODEL_PACKAGE) when they are larger than rounding explains.
    """
    tiles = np.stack(_tiles(scenes, configuration.tile_size))
    boxes, scores, _ = network(tiles)
    other_boxes, other_scores, _ = exported(tiles)
    in_score = float(np.abs(np.sort(scores, axis=1) - np.sort(other_scores, axis=1)).max())
    in_box = 0.0
    for tile in range(len(tiles)):
        certain = boxes[tile][scores[tile] >= _CERTAIN]
        if len(certain):
            # Candidates of nearly the same score may change places: each is compared with its nearest.
            apart = np.abs(certain[:, None, :] - other_boxes[tile][None, :, :]).max(axis=2)
            in_box = max(in_box, float(apart.min(axis=1).max()))
    if in_score > _LARGEST_SCORE_DIFFERENCE or in_box > _LARGEST_BOX_DIFFERENCE:
        raise VedetteError(
            Code.MODEL_PACKAGE,
            f"The exported model differs from the network by {in_score:.2g} in score and {in_box:.2g} pixels.",
            "Tell us the versions of torch and onnxruntime: the export is wrong.",
        )
    return {"largest_score_difference": in_score, "largest_box_difference_pixels": in_box}


def _tiles(scenes: list[Scene], size: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    places = [(scene, window) for scene in scenes for window in scene.windows][:_TILES]
    return [read(scene, _corner(window, size)) for scene, window in places]


def _corner(window: PixelWindow, size: int) -> tuple[int, int, int, int]:
    return window.x, window.y, size, size
