"""Open an original and decide how to read it, before any pixel is decoded. Called by the decoding process.

Refuses what would cost too much by its header alone: pixels, bands, blocks, expansion.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window

from appliance.contracts.errors import VedetteError
from appliance.media import failures, sniff
from appliance.media.limits import Limits

_WINDOW_BYTES = 48 << 20
_BLOCK = 512
MINIMUM_ROWS = 16
_NOISE = re.compile(r"^it(?:, band \d+)?: | ?\(this error can be turned[^)]*\)")
"""What GDAL says of our temporary file and of its own settings."""


@dataclass(frozen=True)
class Windows:
    """How a source is walked: bands of `rows` rows, each cut into pieces of `columns` columns."""

    width: int
    height: int
    rows: int
    columns: int

    def __iter__(self) -> Iterator[Window]:
        for row in range(0, self.height, self.rows):
            for column in range(0, self.width, self.columns):
                yield Window(
                    column, row, min(self.columns, self.width - column), min(self.rows, self.height - row)
                )  # fmt: skip


def open_source(path: Path, name: str, limits: Limits) -> Any:
    """A rasterio dataset whose header fits the limits. Raises VedetteError otherwise."""
    size = path.stat().st_size
    if size == 0:
        raise failures.empty_file(name)
    kind = sniff.looks_like(path)
    try:
        source = rasterio.open(path, sharing=False)  # confine.py left no other driver than ALLOWED
    except Exception as error:  # a mutated header makes GDAL raise more kinds than rasterio documents
        if isinstance(error, MemoryError) or "memory" in str(error).lower():
            raise failures.out_of_memory(name, limits) from error
        if kind in sniff.READABLE:
            raise failures.damaged(name, kind, detail(error, path)) from error
        raise failures.not_an_image(name, kind) from error
    check(source, name, size, limits)
    return source


def check(source: Any, name: str, size: int, limits: Limits) -> None:
    """Raises VedetteError when the header claims what must not be decoded."""
    if source.count < 1:
        raise failures.no_bands(name)
    if source.count > limits.bands:
        raise failures.too_many_bands(name, source.count, limits)
    if source.width * source.height > limits.pixels:
        raise failures.too_many_pixels(name, source.width, source.height, limits)
    decoded = decoded_bytes(source)
    if decoded > limits.expansion_from_bytes and decoded > limits.expansion * size:
        raise failures.bomb(name, decoded, size)
    block_h, block_w = source.block_shapes[0]
    if block_h * block_w * _pixel_bytes(source) > limits.memory_bytes / 4:
        raise failures.big_block(name, (block_h, block_w), limits)
    if source.tags(ns="OVERVIEWS"):
        raise failures.refers_elsewhere(name)


def decoded_bytes(source: Any) -> int:
    return int(source.width * source.height * _pixel_bytes(source))


def windows_for(source: Any, bands_out: int) -> Windows:
    """Windows of at most about 48 MB that meet each block of the source once.

    Sources in strips are read in full-width rows (fewer than 512 where they are very wide), tiled ones in whole tiles.
    """
    block_h, block_w = source.block_shapes[0]
    width, height = source.width, source.height
    pixel = max(_pixel_bytes(source), bands_out)
    affordable = max(1, _WINDOW_BYTES // pixel)
    if block_w >= width:
        rows = min(_BLOCK, max(MINIMUM_ROWS, _power_of_two(affordable // width)))
        return Windows(width, height, rows, width)
    rows = block_h if block_h % _BLOCK == 0 and block_h <= 4 * _BLOCK else _BLOCK
    step = block_w if block_w >= _BLOCK or _BLOCK % block_w else _BLOCK
    while rows * step > affordable and rows > MINIMUM_ROWS:
        rows //= 2
    columns = max(step, affordable // rows // step * step)
    return Windows(width, height, rows, min(columns, max(step, width)))


def detail(error: BaseException, path: Path) -> str:
    """GDAL's words without our temporary path, on one line and short."""
    first = error
    while first.__cause__ is not None:
        first = first.__cause__
    text = " ".join(_NOISE.sub("", str(first).replace(str(path), "it").replace(path.name, "it")).split())
    if "not recognized as being in a supported file format" in text:
        text = "its header is damaged, or of a variant that is not known"
    return (text or type(first).__name__)[:300].rstrip(".")


def reading_failed(error: Exception, path: Path, name: str, row: int, limits: Limits) -> VedetteError:
    """What a failed read of pixels means."""
    text = detail(error, path)
    if isinstance(error, MemoryError) or "memory" in text.lower() or "allocate" in text.lower():
        return failures.out_of_memory(name, limits)
    return failures.truncated(name, row, text)


def _pixel_bytes(source: Any) -> int:
    sizes = (8 if t == "complex_int16" else np.dtype(t).itemsize for t in source.dtypes)
    return sum(sizes)


def _power_of_two(value: int) -> int:
    return 1 << max(0, int(math.log2(max(1, value))))
