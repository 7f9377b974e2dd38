"""Draw one map tile of a scene: find it in the scene, sample, stretch, encode. Called by raster_tiles.py in its threads.

Knows scenes and styles; nothing of items, requests or the store.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from appliance.api.services import picture
from appliance.api.services.bounded import Bounded
from appliance.api.services.scene_blocks import Level, SceneBlocks, Source, level_for
from appliance.api.views.tiles import RasterStyle, Stretch, TileAddress
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import BBox, SceneInfo
from appliance.vision import map_tile
from appliance.vision import stretch as vision

TILE_PIXELS = 256
_WORLD_METRES = 2 * 20_037_508.342_789_244
_PLACEMENTS = 256


class Painter:
    """`blocks` is where scenes are read from. Remembers where the last scenes lie on the map."""

    def __init__(self, blocks: SceneBlocks) -> None:
        self._blocks = blocks
        self._placements: Bounded[str, map_tile.Placement] = Bounded(_PLACEMENTS, lambda _: 1)

    def draw(self, source: Source, tile: TileAddress, style: RasterStyle) -> bytes:
        """The encoded tile; empty outside the scene.

        Raises VedetteError(BANDS) when the scene has no such band and VedetteError(STORE, retryable) when it cannot be read.
        """
        bands = chosen_bands(source.scene, style)
        view = map_tile.look(self._placement(source), bounds(tile), TILE_PIXELS) if tile.exists else None
        found = self._look_up(source, view, bands) if view else None
        if view is None or found is None or not found[1].any():
            return picture.empty(TILE_PIXELS, style.extension)
        pixels = stretched(found[0], stretches(source.scene, style, bands))
        return picture.encode(*_on_tile(view, pixels, found[1]), style.extension)

    def _placement(self, source: Source) -> map_tile.Placement:
        known = self._placements.get(source.content)
        if known is None:
            known = map_tile.Placement.of(source.scene)
            self._placements.put(source.content, known)
        return known

    def _look_up(
        self, source: Source, view: map_tile.View, bands: tuple[int, ...]
    ) -> tuple[map_tile.Pixels, map_tile.Valid] | None:
        """The scene's own values at the view's positions, and where there are any; None when there are none at all."""
        level = level_for(source.scene, view.scale)
        x, y = view.x * (level.width / source.scene.width), view.y * (level.height / source.scene.height)
        window = _window(x, y, level)
        if window is None:
            return None
        try:
            part = self._blocks.read(source, level, bands, window)
        except RasterioError as error:
            raise VedetteError(
                Code.STORE, "The scene cannot be read from the object store.", "Try again in a moment.", retryable=True
            ) from error
        x, y, (pixels, valid) = x - window.col_off, y - window.row_off, part
        times = int(view.scale / level.factor)
        if times >= 2:  # the smallest overview is still too large
            pixels, valid = map_tile.shrunk(part.pixels, part.valid, times)
            x, y = x * (pixels.shape[1] / window.width), y * (pixels.shape[0] / window.height)
        return map_tile.sample(pixels, valid, x, y)


def bounds(tile: TileAddress) -> BBox:
    """In EPSG:3857 (OGC Two Dimensional Tile Matrix Set, WebMercatorQuad)."""
    side = _WORLD_METRES / (1 << tile.z)
    west, north = tile.x * side - _WORLD_METRES / 2, _WORLD_METRES / 2 - tile.y * side
    return (west, north - side, west + side, north)


def _window(x: map_tile.Floats, y: map_tile.Floats, level: Level) -> Window | None:
    """The level's pixels around all positions, with one more on each side to sample between; None when all lie outside."""
    with np.errstate(invalid="ignore"):
        inside = (x >= 0) & (y >= 0) & (x < level.width) & (y < level.height)
    if not inside.any():
        return None
    left, right = int(x[inside].min()) - 1, int(x[inside].max()) + 2
    top, bottom = int(y[inside].min()) - 1, int(y[inside].max()) + 2
    left, top, right, bottom = max(0, left), max(0, top), min(level.width, right), min(level.height, bottom)
    return Window(left, top, right - left, bottom - top)


def stretched(pixels: map_tile.Pixels, shown: tuple[Stretch, ...]) -> NDArray[np.uint8]:
    """(rows, columns, bands) of any number type to uint8."""
    ends = vision.Stretch(tuple(s.low for s in shown), tuple(s.high for s in shown))
    if pixels.dtype != np.uint8:
        return ends.apply(pixels)
    if all(one == (0, 255) for one in shown):
        return pixels
    found = cv2.LUT(pixels, ends.tables(np.dtype(np.uint8))[:, None])
    return found.reshape(pixels.shape).astype(np.uint8, copy=False)


def _on_tile(
    view: map_tile.View, pixels: NDArray[np.uint8], seen: map_tile.Valid
) -> tuple[NDArray[np.uint8], map_tile.Valid]:
    """The part of the tile that shows the scene, in its place on the whole."""
    if pixels.shape[:2] == (TILE_PIXELS, TILE_PIXELS):
        return pixels, seen
    whole = np.zeros((TILE_PIXELS, TILE_PIXELS, pixels.shape[2]), np.uint8)
    where = np.zeros((TILE_PIXELS, TILE_PIXELS), bool)
    whole[view.rows, view.columns], where[view.rows, view.columns] = pixels, seen
    return whole, where


def chosen_bands(scene: SceneInfo, style: RasterStyle) -> tuple[int, ...]:
    """Those asked for; else red, green and blue where the scene names them; else its first three, or its first."""
    colours = [colour.lower() for colour in scene.colour_interpretation]
    data = [number for number, colour in enumerate(colours, start=1) if colour != "alpha"]
    if style.bands is not None:
        if max(style.bands) > len(colours):
            raise VedetteError(
                Code.BANDS, f"The scene has {len(colours)} bands, not {max(style.bands)}.", "Choose bands it has."
            )
        return style.bands
    if {"red", "green", "blue"} <= set(colours):
        return tuple(colours.index(colour) + 1 for colour in ("red", "green", "blue"))
    return tuple(data[:3] if len(data) >= 3 else data[:1])


def stretches(scene: SceneInfo, style: RasterStyle, bands: tuple[int, ...]) -> tuple[Stretch, ...]:
    """What becomes black and white in each band: as asked for, else as recorded with the scene."""
    if style.stretch is not None:
        asked = style.stretch
        return asked if len(asked) == len(bands) else (asked[0],) * len(bands)
    recorded = [scene.bands[band - 1] for band in bands if band <= len(scene.bands)]
    return tuple(Stretch(band.low, band.high) for band in recorded) + (Stretch(0, 255),) * (len(bands) - len(recorded))
