"""Cut tiles out of decoded strips and hand them on in batches. One thread of pipeline.py runs `feed`.

A tile's pixels are copied once, from the strips into its place in a batch that is used again and again. Tiles without a
valid pixel, and tiles the geofence does not touch, are skipped. Batches may span bands; `BandEnd` follows the last of one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.model_package import ModelInput
from appliance.inference.channel import Channel
from appliance.inference.normalise import normaliser
from appliance.inference.plan import Band, Plan
from appliance.inference.reader import Strip, StripReader
from appliance.inference.scene import Scene
from appliance.inference.working import working_strips
from appliance.vision.grid import Tile

ValidTile = NDArray[np.uint8]


@dataclass(frozen=True)
class Batch:
    """`pixels` is the whole buffer; the first len(tiles) places are filled. `valid` per tile, None where all is data."""

    pixels: NDArray[Any]
    tiles: tuple[int, ...]
    valid: tuple[ValidTile | None, ...]


@dataclass(frozen=True)
class BandEnd:
    """Every tile of the band has been handed on, or skipped."""

    band: Band
    skipped: int


class Feeder:
    """Feeds the bands from `first_band` on."""

    def __init__(
        self,
        scene: Scene,
        model: ModelInput,
        plan: Plan,
        wanted: Callable[[Tile], bool],
        held: int,
    ) -> None:
        self._scene = scene
        self._model = model
        self._plan = plan
        self._wanted = wanted
        self._held = held
        self._normalise = normaliser(model)

    def feed(
        self, reader: StripReader, first_band: int, free: Channel[NDArray[Any]], out: Channel[Batch | BandEnd | None]
    ) -> None:
        """Puts batches and band ends on `out`, then None. Takes buffers from `free`; whoever has used one puts it back."""
        buffer, tiles, valid = free.get(), list[int](), list[ValidTile | None]()
        ended: list[BandEnd] = []

        def flush() -> None:
            nonlocal buffer
            if tiles:
                self._normalise(buffer[: len(tiles)])
                out.put(Batch(buffer, tuple(tiles), tuple(valid)))
                tiles.clear()
                valid.clear()
                buffer = free.get()
            for end in ended:
                out.put(end)
            ended.clear()

        for band, window in self._windows(reader, first_band):
            skipped = 0
            for tile in self._tiles(band):
                mask = self._cut(window.at(tile), tile, buffer[len(tiles)])
                if mask is _NOTHING:
                    skipped += 1
                    continue
                tiles.append(tile.row * len(self._plan.grid.columns) + tile.column)
                valid.append(mask)
                if len(tiles) == len(buffer):
                    flush()
            ended.append(BandEnd(band, band.tiles - self._count(band) + skipped))
            if not tiles:
                flush()
        flush()
        out.put(None)

    def _tiles(self, band: Band) -> Iterator[Tile]:
        for row in range(band.first_row, band.end_row):
            for column in range(band.first_column, band.end_column):
                tile = self._plan.grid.tile(row, column)
                if self._wanted(tile):
                    yield tile

    def _count(self, band: Band) -> int:
        return sum(1 for _ in self._tiles(band))

    def _windows(self, reader: StripReader, first_band: int) -> Iterator[tuple[Band, _Window]]:
        """Each band with the moving window over its panel's strips."""
        window, panel = None, -1
        for band in self._plan.bands[first_band:]:
            if window is None or band.first_column != panel:
                panel = band.first_column
                first_row = self._plan.grid.rows[band.first_row].start
                strips = working_strips(self._scene, reader, self._plan.columns_of(band), first_row, self._held)
                window = _Window(strips, self._model.tile_size, self._plan.grid.height, self._release(reader))
            yield band, window

    def _release(self, reader: StripReader) -> Callable[[Strip], None]:
        return (lambda _: None) if self._scene.resampled else reader.release

    def _cut(self, strips: list[Strip], tile: Tile, place: NDArray[Any]) -> ValidTile | None:
        """Copy the tile into its place; its validity, or _NOTHING when no pixel holds data."""
        side, grid = self._model.tile_size, self._plan.grid
        target = place if self._model.layout == "nhwc" else place.transpose(1, 2, 0)
        width, height = min(side, grid.width - tile.x), min(side, grid.height - tile.y)
        if width < side or height < side:
            target[...] = 0
        masked = any(strip.valid is not None for strip in strips)
        valid = np.zeros((side, side), np.uint8) if masked else None
        for strip in strips:
            top, bottom = max(strip.y, tile.y), min(strip.end, tile.y + height)
            if top >= bottom:
                continue
            rows, into = slice(top - strip.y, bottom - strip.y), slice(top - tile.y, bottom - tile.y)
            columns = slice(tile.x - strip.x, tile.x - strip.x + width)
            target[into, :width] = strip.pixels[rows, columns]
            if valid is not None:
                valid[into, :width] = 255 if strip.valid is None else strip.valid[rows, columns]
        if valid is None or valid[:height, :width].all():
            return None
        return valid if valid.any() else _NOTHING


_NOTHING: ValidTile = np.zeros((0, 0), np.uint8)


class _Window:
    """The strips that the current row of tiles touches, taken as the row moves down and let go behind it."""

    def __init__(self, strips: Iterator[Strip], tile: int, height: int, release: Callable[[Strip], None]) -> None:
        self._strips = strips
        self._tile = tile
        self._height = height
        self._release = release
        self._kept: deque[Strip] = deque()

    def at(self, tile: Tile) -> list[Strip]:
        while self._kept and self._kept[0].end <= tile.y:
            self._release(self._kept.popleft())
        bottom = min(tile.y + self._tile, self._height)
        while not self._kept or self._kept[-1].end < bottom:
            self._kept.append(next(self._strips))
        return list(self._kept)
