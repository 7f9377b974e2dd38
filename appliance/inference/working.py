"""Strips on the working grid: the decoded ones as they are, or resampled to the detector's ground sample distance.

Called by feeder.py. Working strips are cut at fixed rows of the working grid, so that a resumed run makes the same ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.inference.reader import Strip, StripReader
from appliance.inference.scene import Scene
from appliance.vision.resample import resize, resize_valid, support

_ROWS = 256


def working_strips(
    scene: Scene, reader: StripReader, columns: tuple[int, int], first_row: int, held: int
) -> Iterator[Strip]:
    """Strips that cover working `columns` [x0, x1) from `first_row` down; `held` are kept by the caller at a time."""
    if not scene.resampled:
        yield from reader.strips(columns[0], columns[1], first_row, held)
        return
    across, down = scene.level_width / scene.work_width, scene.level_height / scene.work_height
    margin_x, margin_y = support(across), support(down)
    low, high = int(columns[0] * across) - margin_x, int(np.ceil(columns[1] * across)) + margin_x
    low, high = max(0, low), min(scene.level_width, high)
    top = first_row // _ROWS * _ROWS
    source = _Rows(reader, reader.strips(low, high, max(0, int(top * down) - margin_y), held))
    for y in range(top, scene.work_height, _ROWS):
        rows = min(_ROWS, scene.work_height - y)
        first, last = max(0, int(y * down) - margin_y), int(np.ceil((y + rows) * down)) + margin_y
        part = source.take(first, min(last, scene.level_height))
        x0, x1 = columns[0] * across - part.x, columns[1] * across - part.x
        region = (x0, y * down - part.y, x1, min((y + rows) * down - part.y, float(part.pixels.shape[0])))
        size = (columns[1] - columns[0], rows)
        valid = None if part.valid is None else resize_valid(part.valid, region, *size)
        yield Strip(columns[0], y, resize(part.pixels, region, *size), valid)


class _Rows:
    """Any run of rows out of strips that come in order; what lies above the last run asked for is given back."""

    def __init__(self, reader: StripReader, strips: Iterator[Strip]) -> None:
        self._reader = reader
        self._strips = strips
        self._kept: deque[Strip] = deque()

    def take(self, first: int, last: int) -> Strip:
        while self._kept and self._kept[0].end <= first:
            self._reader.release(self._kept.popleft())
        while not self._kept or self._kept[-1].end < last:
            self._kept.append(next(self._strips))
        parts = [strip.pixels[max(0, first - strip.y) : last - strip.y] for strip in self._kept]
        pixels: NDArray[Any] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        valid = None
        if any(strip.valid is not None for strip in self._kept):
            valid = np.concatenate([_valid(strip)[max(0, first - strip.y) : last - strip.y] for strip in self._kept])
        return Strip(self._kept[0].x, first, pixels, valid)


def _valid(strip: Strip) -> NDArray[np.uint8]:
    return np.full(strip.pixels.shape[:2], 255, np.uint8) if strip.valid is None else strip.valid
