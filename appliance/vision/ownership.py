"""Which tile owns what it saw, and what must be compared across a seam. Called by inference/collect.py. Pure.

A tile keeps what it owns, and what lies at most half a halo beyond its core: two tiles that place one object a little
differently, each in the other's core, then still find it. Of what is kept, only that near an inner core border, or cut by
the window, can conflict with another tile; the rest is final at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from appliance.vision.candidates import Candidates, Flags, Floats, Integers, envelopes
from appliance.vision.grid import Span, TileGrid
from appliance.vision.merge import Seen

_EDGE = 2.0
"""Working pixels: a box this near to an inner edge of its window may be cut by it."""


@dataclass(frozen=True)
class Placed:
    """Candidates in working pixels of the scene, with `tile` = row * columns + column, and how their tiles saw them.

    `seam` (n,) marks those that may conflict with another tile's."""

    candidates: Candidates
    seen: Seen
    seam: Flags

    def __len__(self) -> int:
        return len(self.candidates)

    def take(self, which: Flags | Integers) -> Placed:
        return Placed(self.candidates.take(which), self.seen.take(which), self.seam[which])

    @staticmethod
    def concatenate(parts: list[Placed]) -> Placed:
        seen = Seen(np.concatenate([p.seen.owned for p in parts]), np.concatenate([p.seen.cut for p in parts]))
        seam = np.concatenate([p.seam for p in parts])
        return Placed(Candidates.concatenate([p.candidates for p in parts]), seen, seam)


def place(candidates: Candidates, grid: TileGrid) -> Placed:
    """Sort out what tiles saw. `candidates` are in working pixels of the scene, `tile` numbered over the grid."""
    row, column = np.divmod(candidates.tile, len(grid.columns))
    bounds = envelopes(candidates.boxes)
    across = _Axis.of(grid.columns, column, grid.width, grid.halo)
    down = _Axis.of(grid.rows, row, grid.height, grid.halo)
    x, y = candidates.boxes[:, 0], candidates.boxes[:, 1]
    west, north, east, south = bounds.T
    owned = across.owns(x) & down.owns(y)
    cut = across.cuts(west, east) | down.cuts(north, south)
    near = across.nears(x) & down.nears(y)
    seam = ~owned | cut | across.shares(west, east) | down.shares(north, south)
    return Placed(candidates, Seen(owned, cut), seam).take(near)


@dataclass(frozen=True)
class _Axis:
    """Along one axis, per candidate (n,): its tile's window and core; a border at the scene's edge lies at infinity."""

    start: Floats
    end: Floats
    low: Floats
    high: Floats
    halo: int

    @classmethod
    def of(cls, axis: tuple[Span, ...], place: Integers, length: int, halo: int) -> _Axis:
        table = np.array([(s.start, s.end, s.core_start, s.core_end) for s in axis], np.float64)
        table[:, 0][table[:, 0] <= 0] = -np.inf
        table[:, 1][table[:, 1] >= length] = np.inf
        table[0, 2], table[-1, 3] = -np.inf, np.inf
        start, end, low, high = table[place].T
        return cls(start, end, low, high, halo)

    def owns(self, centre: Floats) -> Flags:
        owned: Flags = (self.low <= centre) & (centre < self.high)
        return owned

    def nears(self, centre: Floats) -> Flags:
        near: Flags = (self.low - self.halo / 2 <= centre) & (centre < self.high + self.halo / 2)
        return near

    def cuts(self, first: Floats, last: Floats) -> Flags:
        cut: Flags = (first < self.start + _EDGE) | (last > self.end - _EDGE)
        return cut

    def shares(self, first: Floats, last: Floats) -> Flags:
        """Whether the box reaches ground that a neighbour's window shows too."""
        shared: Flags = (first < self.low + self.halo) | (last > self.high - self.halo)
        return shared
