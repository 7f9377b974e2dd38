"""What a run will do, before it does anything: the grid, panels of columns, and bands of tile rows. Pure.

Called by predict.py. A band is what a checkpoint covers and what memory holds at a time; bands run down a panel, then down
the next. Most scenes are one panel (strips.py says when not).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from appliance.contracts.model_package import Manifest
from appliance.inference.options import PredictOptions
from appliance.inference.scene import Scene
from appliance.inference.strips import Layout
from appliance.vision.grid import Tile, TileGrid


@dataclass(frozen=True)
class Band:
    """Tile rows [first_row, end_row) of tile columns [first_column, end_column)."""

    index: int
    first_row: int
    end_row: int
    first_column: int
    end_column: int

    @property
    def tiles(self) -> int:
        return (self.end_row - self.first_row) * (self.end_column - self.first_column)


@dataclass(frozen=True)
class Frontier:
    """Ground that bands to come will look at, in working pixels: x >= `next_panel`, and y >= `next_row` from `panel` on."""

    panel: float
    next_panel: float
    next_row: float


@dataclass(frozen=True)
class Plan:
    grid: TileGrid
    bands: tuple[Band, ...]
    fingerprint: str

    def columns_of(self, band: Band) -> tuple[int, int]:
        """The working columns [x0, x1) its tiles look at."""
        columns = self.grid.columns
        return columns[band.first_column].start, min(self.grid.width, columns[band.end_column - 1].end)

    def tile(self, index: int) -> Tile:
        """The tile numbered row * columns + column."""
        row, column = divmod(index, len(self.grid.columns))
        return self.grid.tile(row, column)

    def frontier(self, band: Band) -> Frontier:
        """After this band, what no later tile's window shows is settled. Boxes may reach past their window by half a tile."""
        columns, rows, reach = self.grid.columns, self.grid.rows, self.grid.tile_size / 2
        more_columns, more_rows = band.end_column < len(columns), band.end_row < len(rows)
        return Frontier(
            panel=columns[band.first_column].start - reach if band.first_column else -np.inf,
            next_panel=columns[band.end_column].start - reach if more_columns else np.inf,
            next_row=rows[band.end_row].start - reach if more_rows else np.inf,
        )


def make(scene: Scene, manifest: Manifest, options: PredictOptions, layout: Layout) -> Plan:
    tile, halo = manifest.input.tile_size, manifest.input.halo
    grid = TileGrid.over(scene.work_width, scene.work_height, tile, halo, options.phase)
    panels = _panels(scene, grid, layout, options.buffer_bytes)
    step = max(1, options.band_tile_rows)
    rows = len(grid.rows)
    cuts = [(first, min(first + step, rows), *panel) for panel in panels for first in range(0, rows, step)]
    bands = tuple(Band(index, *cut) for index, cut in enumerate(cuts))
    return Plan(grid, bands, _fingerprint(scene, manifest, options, bands))


def held_strips(scene: Scene, layout: Layout, tile_size: int) -> int:
    """Strips that one row of tiles may touch."""
    rows = tile_size * scene.level_height / scene.work_height
    return int(np.ceil(rows / layout.strip_rows)) + 1


def _panels(scene: Scene, grid: TileGrid, layout: Layout, buffer_bytes: int) -> list[tuple[int, int]]:
    """Tile columns [first, end) of each panel: as many as let a row of tiles and one strip ahead fit in the buffer."""
    count = len(grid.columns)
    if not layout.tiled:
        return [(0, count)]
    strips = held_strips(scene, layout, grid.tile_size) + 1
    across = scene.level_width / scene.work_width
    panels, first = [], 0
    while first < count:
        end = first + 1
        while end < count and (
            strips * layout.strip_bytes(int(grid.columns[first].start * across), int(grid.columns[end].end * across))
            <= buffer_bytes
        ):
            end += 1
        panels.append((first, end))
        first = end
    return panels


def _fingerprint(scene: Scene, manifest: Manifest, options: PredictOptions, bands: tuple[Band, ...]) -> str:
    """Changes with anything that changes what a band's checkpoint holds. How a model is spoken to changes nothing: a run may
    go on where the graph does more of the work (backends/fitting.py)."""
    fence = options.geofence.wkb_hex if options.geofence is not None else None
    facts: list[object] = [
        scene.width,
        scene.height,
        scene.work_width,
        scene.work_height,
        options.threshold,
        options.phase,
        fence,
        options.geofence_excludes,
        options.package,
    ]
    facts += [scene.source.name, [(b.first_row, b.end_row, b.first_column, b.end_column) for b in bands]]
    model = manifest.model_dump(mode="json", exclude={"input": {"name", "normalisation"}, "decode": True})
    document = json.dumps([model, facts], sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()
