"""Instance masks: each box carries a small grid of probabilities, which becomes its outline. Called through decode.decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.contracts.model_package import DecodeHead
from appliance.vision.candidates import Candidates, Floats, Outlines
from appliance.vision.decode.boxes import axis_aligned, chosen

Outputs = Mapping[str, NDArray[Any]]
_INSIDE = 0.5
_FINENESS = 4


def outlined(outputs: Outputs, threshold: float, head: DecodeHead) -> Candidates:
    """masks (N, K, h, w) probabilities over each box. The outline is the largest part at or above one half; a mask with
    no such part leaves an empty ring, and the box stands for the object."""
    found = axis_aligned(outputs, threshold, head)
    tile, slot = chosen(outputs["scores"], threshold, head.maximum_per_tile)
    rings = [_ring(mask, box) for mask, box in zip(outputs["masks"][tile, slot], found.boxes, strict=True)]
    offsets = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]).astype(np.int64)
    points = np.concatenate(rings) if rings else np.empty((0, 2))
    return Candidates(found.tile, found.boxes, found.scores, found.classes, Outlines(offsets, points))


def _ring(mask: NDArray[Any], box: Floats) -> Floats:
    """The outline (m, 2) in tile pixels: the mask is enlarged so that the contour follows the half line within a cell."""
    height, width = mask.shape[0] * _FINENESS, mask.shape[1] * _FINENESS
    fine = cv2.resize(np.asarray(mask, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    inside = cv2.copyMakeBorder((fine >= _INSIDE).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    contours, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = max(contours, key=cv2.contourArea, default=np.empty((0, 1, 2)))
    if len(largest) < 3:
        return np.empty((0, 2))
    points = (
        largest[:, 0, :].astype(np.float64) - 0.5
    )  # pixel centres of the bordered grid, back to the mask's own edges
    x0, y0 = box[0] - box[2] / 2, box[1] - box[3] / 2
    ring: Floats = np.stack([x0 + points[:, 0] / width * box[2], y0 + points[:, 1] / height * box[3]], axis=1)
    return ring
