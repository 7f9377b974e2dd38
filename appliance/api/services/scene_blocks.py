"""Decoded pieces of scenes, kept for the tiles beside them. Called by raster.py, from many threads at once.

A tile of the map shows a corner of up to nine blocks of the file; its neighbours show the rest of them. Opening a file,
fetching a block and decoding it cost ten times what drawing costs, so that opened files and decoded blocks are kept,
both bounded. What is kept belongs to the content of a scene, not to its name: it can never be of another.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader
from rasterio.windows import Window

from appliance.api.services.bounded import Bounded
from appliance.contracts.item import SceneInfo

CELL = 512
"""Pixels on a side of what is kept: the media worker's own block."""
_GDAL_BYTES = 32 << 20
_OPEN_FILES = 32
_LARGEST_WINDOW = 4096
"""A tile of 256 pixels shows at most twice as many of the overview it is drawn from, turned or not."""


@dataclass(frozen=True)
class Source:
    """Where a scene lies, its content, and the options under which GDAL opens it (they hold keys: never log them)."""

    path: str
    content: str
    options: dict[str, str]
    scene: SceneInfo


class Level(NamedTuple):
    """A scene at 1/factor of its size; `overview` counts from 0, None is the scene itself."""

    overview: int | None
    factor: int
    width: int
    height: int


class Part(NamedTuple):
    """Pixels (rows, columns, bands) and where they are valid (rows, columns); None: everywhere."""

    pixels: NDArray[Any]
    valid: NDArray[np.bool_] | None

    @property
    def size_bytes(self) -> int:
        return self.pixels.nbytes + (0 if self.valid is None else self.valid.nbytes)


def level_for(scene: SceneInfo, scale: float) -> Level:
    """The smallest overview that still has a pixel for every pixel shown, or five hundredths less."""
    fitting = [(factor, number) for number, factor in enumerate(scene.overviews) if factor <= scale * 1.05]
    if not fitting:
        return Level(None, 1, scene.width, scene.height)
    factor, number = max(fitting)
    return Level(number, factor, -(-scene.width // factor), -(-scene.height // factor))


class SceneBlocks:
    """`maximum_bytes` of decoded pixels. `read` raises rasterio's errors when the scene cannot be read."""

    def __init__(self, maximum_bytes: int) -> None:
        self._kept: Bounded[tuple[object, ...], Part] = Bounded(maximum_bytes, lambda part: part.size_bytes)
        self._files = _OpenFiles()

    def read(self, source: Source, level: Level, bands: tuple[int, ...], window: Window) -> Part:
        """The window, which lies within the level."""
        if max(window.width, window.height) > _LARGEST_WINDOW:
            raise ValueError(f"a window of {window.width} x {window.height} pixels for one tile")
        rows = range(window.row_off // CELL, (window.row_off + window.height - 1) // CELL + 1)
        columns = range(window.col_off // CELL, (window.col_off + window.width - 1) // CELL + 1)
        found: dict[tuple[int, int], Part] = {}
        missing = []
        for cell in ((row, column) for row in rows for column in columns):
            part = self._kept.get((source.path, source.content, level, bands, cell))
            if part is None:
                missing.append(cell)
            else:
                found[cell] = part
        if missing:
            for cell, part in self._decode(source, level, bands, missing):
                found[cell] = part
                self._kept.put((source.path, source.content, level, bands, cell), part)
        return _joined(found, window)

    def close(self) -> None:
        self._files.close()

    def _decode(
        self, source: Source, level: Level, bands: tuple[int, ...], cells: list[tuple[int, int]]
    ) -> Iterator[tuple[tuple[int, int], Part]]:
        """One read over all that is missing, so that GDAL fetches its blocks together."""
        top, left = min(row for row, _ in cells) * CELL, min(column for _, column in cells) * CELL
        bottom = min(level.height, (max(row for row, _ in cells) + 1) * CELL)
        right = min(level.width, (max(column for _, column in cells) + 1) * CELL)
        whole = Window(left, top, right - left, bottom - top)
        with self._files.lent(source, level) as file:
            pixels = np.empty((bottom - top, right - left, len(bands)), file.dtypes[bands[0] - 1])
            file.read(indexes=list(bands), window=whole, out=pixels.transpose(2, 0, 1))
            valid = None if _all_valid(file, bands) else file.dataset_mask(window=whole) > 0
        for row, column in cells:
            y, x = row * CELL - top, column * CELL - left
            here = (slice(y, y + CELL), slice(x, x + CELL))
            known = None if valid is None or valid[here].all() else valid[here].copy()
            yield (row, column), Part(pixels[here].copy() if len(cells) > 1 else pixels[here], known)


def _all_valid(file: DatasetReader, bands: tuple[int, ...]) -> bool:
    return all(MaskFlags.all_valid in file.mask_flag_enums[band - 1] for band in bands)


def _joined(found: dict[tuple[int, int], Part], window: Window) -> Part:
    """The window out of the cells that cover it."""
    first = next(iter(found.values()))
    pixels = np.empty((window.height, window.width, first.pixels.shape[2]), first.pixels.dtype)
    valid = None
    if any(part.valid is not None for part in found.values()):
        valid = np.ones((window.height, window.width), bool)
    for (row, column), part in found.items():
        top, left = row * CELL - window.row_off, column * CELL - window.col_off
        cut = (slice(max(0, -top), window.height - top), slice(max(0, -left), window.width - left))
        piece = part.pixels[cut]
        here = (
            slice(max(0, top), max(0, top) + piece.shape[0]),
            slice(max(0, left), max(0, left) + piece.shape[1]),
        )
        pixels[here] = piece
        if valid is not None and part.valid is not None:
            valid[here] = part.valid[cut]
    return Part(pixels, valid)


class _OpenFiles:
    """Opened files, each lent to one thread at a time: GDAL's are not made for more."""

    def __init__(self) -> None:
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._idle: list[tuple[tuple[str, str, int | None], DatasetReader]] = []

    @contextmanager
    def lent(self, source: Source, level: Level) -> Iterator[DatasetReader]:
        key = (source.path, source.content, level.overview)
        # Outside the files that are open GDAL is to keep nothing: a scene may be written again under its name.
        options = {"GDAL_CACHEMAX": _GDAL_BYTES, "CPL_VSIL_CURL_NON_CACHED": source.path}
        with rasterio.Env(**source.options, **options):  # type: ignore[no-untyped-call]
            file = self._taken(key) or self._opened(source.path, level)
            try:
                yield file
            except BaseException:
                file.close()
                raise
            self._given_back(key, file)

    def _opened(self, path: str, level: Level) -> DatasetReader:
        chosen = {} if level.overview is None else {"overview_level": level.overview}
        with self._opening, warnings.catch_warnings():  # which is for one thread at a time
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            file: DatasetReader = rasterio.open(path, **chosen)
        return file

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, file in idle:
            file.close()

    def _taken(self, key: tuple[str, str, int | None]) -> DatasetReader | None:
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place][0] == key:
                    return self._idle.pop(place)[1]
        return None

    def _given_back(self, key: tuple[str, str, int | None], file: DatasetReader) -> None:
        with self._lock:
            self._idle.append((key, file))
            too_many = self._idle.pop(0)[1] if len(self._idle) > _OPEN_FILES else None
        if too_many is not None:
            too_many.close()
