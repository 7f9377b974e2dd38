"""The tile grid: windows a model looks at, and the core cells that say which tile owns an object.

Called by inference/plan.py. Knows lengths and counts only: no rasters, no ground.

Along each axis, cores partition [0, length): a tile owns the objects whose centre lies in its core. A core reaches the
edge of the scene where nothing lies beyond, so that tiles at an edge waste no halo; the window around a core keeps
`halo` pixels of context on every inner side, and windows at the far edge move inwards rather than look past it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Span:
    """One step along an axis: window [start, start + size) and core [core_start, core_end), in pixels."""

    start: int
    size: int
    core_start: int
    core_end: int

    @property
    def end(self) -> int:
        return self.start + self.size


@dataclass(frozen=True)
class Tile:
    """A window of `size` x `size` pixels at (x, y), and where it stands in the grid."""

    row: int
    column: int
    x: int
    y: int


def spans(length: int, tile: int, halo: int, phase: int = 0) -> tuple[Span, ...]:
    """Windows and cores along one axis of `length` pixels; `phase` in pixels moves the inner core borders back."""
    core = tile - 2 * halo
    border = halo + core - phase % core
    borders = [0]
    while length - border > halo and length > tile:
        borders.append(border)
        border += core
    borders.append(length)
    last_start = max(0, length - tile)
    return tuple(
        Span(min(max(0, low - halo if low else 0), last_start), tile, low, high) for low, high in pairwise(borders)
    )


@dataclass(frozen=True)
class TileGrid:
    """Every tile of a scene of `width` x `height` working pixels."""

    width: int
    height: int
    tile_size: int
    halo: int
    columns: tuple[Span, ...]
    rows: tuple[Span, ...]

    @classmethod
    def over(cls, width: int, height: int, tile_size: int, halo: int, phase: tuple[int, int] = (0, 0)) -> TileGrid:
        return cls(
            width,
            height,
            tile_size,
            halo,
            spans(width, tile_size, halo, phase[0]),
            spans(height, tile_size, halo, phase[1]),
        )

    def __len__(self) -> int:
        return len(self.columns) * len(self.rows)

    def tile(self, row: int, column: int) -> Tile:
        return Tile(row, column, self.columns[column].start, self.rows[row].start)

    def owner(self, x: float, y: float) -> tuple[int, int]:
        """(row, column) of the tile whose core holds the position; positions outside belong to the nearest edge."""
        return (_find(self.rows, y), _find(self.columns, x))


def _find(axis: tuple[Span, ...], position: float) -> int:
    starts = [span.core_start for span in axis]
    return min(max(bisect_right(starts, position) - 1, 0), len(axis) - 1)
