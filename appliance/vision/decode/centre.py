"""The centre head: objects are peaks of a heatmap (Zhou et al. 2019, Objects as Points). Called through decode.decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.contracts.model_package import DecodeHead
from appliance.vision.candidates import Candidates
from appliance.vision.decode.boxes import chosen

Outputs = Mapping[str, NDArray[Any]]
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_LEAST = 1e-6
"""Cells that are no peak count 0, which no threshold lets through."""


def peaks(outputs: Outputs, threshold: float, head: DecodeHead) -> Candidates:
    """heatmap (N, C, H, W) in 0..1; size (N, 2, H, W) width, height and offset (N, 2, H, W) x, y, in pixels and cells.

    A cell is a peak where no neighbour in 3x3 is higher; equal neighbours both stay, and suppression settles them.
    """
    heatmap = np.ascontiguousarray(outputs["heatmap"], np.float32)
    count, classes, height, width = heatmap.shape
    flat = heatmap.reshape(count * classes, height, width)
    highest = np.stack([cv2.dilate(plane, _NEIGHBOURS, borderType=cv2.BORDER_REPLICATE) for plane in flat])
    scores = np.where(flat == highest, flat, 0).reshape(count, classes * height * width)
    tile, slot = chosen(scores, max(threshold, _LEAST), head.maximum_per_tile)
    kind, cell = np.divmod(slot, height * width)
    row, column = np.divmod(cell, width)
    size, offset = outputs["size"], outputs["offset"]
    boxes = np.zeros((len(tile), 5))
    boxes[:, 0] = (column + offset[tile, 0, row, column]) * head.stride
    boxes[:, 1] = (row + offset[tile, 1, row, column]) * head.stride
    boxes[:, 2] = size[tile, 0, row, column]
    boxes[:, 3] = size[tile, 1, row, column]
    return Candidates(tile, boxes, np.clip(scores[tile, slot], 0, 1).astype(np.float32), kind.astype(np.int64))
