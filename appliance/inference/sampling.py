"""The stretch of a scene nobody has measured yet, from a lattice of windows. Called by scene.py."""

from __future__ import annotations

from itertools import product

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from appliance.vision.stretch import Stretch, percentiles

_LATTICE = 4
_SIDE = 512


def estimated_stretch(dataset: DatasetReader, indexes: tuple[int, ...], low: float, high: float) -> Stretch:
    """Percentiles over at most 4 x 4 windows of 512 pixels, spread evenly; the same scene gives the same stretch."""
    width, height = min(_SIDE, dataset.width), min(_SIDE, dataset.height)
    across = sorted({round(i * (dataset.width - width) / (_LATTICE - 1)) for i in range(_LATTICE)})
    down = sorted({round(i * (dataset.height - height) / (_LATTICE - 1)) for i in range(_LATTICE)})
    pixels, valid = [], []
    for y, x in product(down, across):
        window = Window(x, y, width, height)
        pixels.append(dataset.read(indexes, window=window).reshape(len(indexes), -1))
        valid.append(dataset.read_masks(indexes[0], window=window).reshape(-1) > 0)
    sample = np.concatenate(pixels, axis=1).T[None]
    return percentiles(sample, np.concatenate(valid)[None], low, high)
