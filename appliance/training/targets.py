"""Boxes of one crop -> what the head should say at each cell. Pure numpy; called by the data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.training.architecture import STRIDE

_SPREAD = 0.54 / 6
"""Sigma over box side: the ellipse of Liu et al. 2020 (TTFNet), section 4.1, holds 0.54 of the box at three sigmas."""
_SMALLEST_SIGMA = 0.6
_LEAST_WEIGHT = 0.1


@dataclass(frozen=True)
class Targets:
    """heat (C,h,w) in 0..1; sides (4,h,w) in pixels; weight (h,w), 0 where no object claims the cell. float32."""

    heat: NDArray[np.float32]
    sides: NDArray[np.float32]
    weight: NDArray[np.float32]


def encode(boxes: NDArray[np.float32], classes: NDArray[np.int64], count: int, size: int) -> Targets:
    """boxes (n,4) x0,y0,x1,y1 in crop pixels, their centres inside the crop; classes (n,) in 0..count-1.

    Where two objects claim a cell the smaller one has it: large ones are painted first.
    """
    cells = size // STRIDE
    heat = np.zeros((count, cells, cells), np.float32)
    sides = np.zeros((4, cells, cells), np.float32)
    weight = np.zeros((cells, cells), np.float32)
    centres = (np.arange(cells, dtype=np.float32) + 0.5) * STRIDE
    order = np.argsort(-(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), kind="stable")
    for index in order:
        x0, y0, x1, y1 = boxes[index]
        column, row = int((x0 + x1) / 2 / STRIDE), int((y0 + y1) / 2 / STRIDE)
        if not (0 <= column < cells and 0 <= row < cells):
            continue
        horizontal = _bell(cells, column, (x1 - x0) / STRIDE)
        vertical = _bell(cells, row, (y1 - y0) / STRIDE)
        bell = vertical[:, None] * horizontal[None, :]
        np.maximum(heat[classes[index]], bell, out=heat[classes[index]])
        inside = (centres[None, :] > x0) & (centres[None, :] < x1) & (centres[:, None] > y0) & (centres[:, None] < y1)
        claimed = (bell > _LEAST_WEIGHT) & inside
        claimed[row, column] = True
        rows, columns = np.nonzero(claimed)
        distances = (centres[columns] - x0, centres[rows] - y0, x1 - centres[columns], y1 - centres[rows])
        sides[:, rows, columns] = np.maximum(np.stack(distances), 0.5)
        weight[rows, columns] = bell[rows, columns]
    return Targets(heat, sides, weight)


def _bell(cells: int, centre: int, side: float) -> NDArray[np.float32]:
    sigma = max(_SPREAD * side, _SMALLEST_SIGMA)
    distance = np.arange(cells, dtype=np.float32) - centre
    bell: NDArray[np.float32] = np.exp(-(distance**2) / np.float32(2 * sigma**2)).astype(np.float32)
    return bell
