"""Which pixels of a scene a tile of the web map shows, and how they are sampled. Pure. Called by the API's raster tiles.

The map is EPSG:3857. A scene without georeference is a metre per pixel there, rows growing south (docs/adr/0003).
Positions are continuous: pixel i covers i..i+1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.contracts.item import BBox, SceneInfo
from appliance.vision.georeference import Georeference

_RADIUS_METRES = 6_378_137.0
_NODE_PIXELS = 8
"""Projections are followed at every eighth pixel, linearly between. Off by less than a hundredth of a pixel from zoom 5 on
(a second derivative of 2 pi / 2^z / 256 for each pixel, times 8 * 8 / 8)."""
_EDGE_POINTS = 33
_SAMPLED = frozenset({"uint8", "uint16", "int16", "float32", "float64"})
"""What cv2.remap takes; other types go by way of float64."""

Pixels = NDArray[Any]
Floats = NDArray[np.float64]
Valid = NDArray[np.bool_]


class View(NamedTuple):
    """The part `rows`, `columns` of a tile, and of each of its pixels the position (x, y) in the scene's pixels.

    `scale`: how many pixels of the scene go to one of the tile, on a side.
    """

    rows: slice
    columns: slice
    x: Floats
    y: Floats
    scale: float


@dataclass(frozen=True)
class Placement:
    """A scene on the map; `bounds` in EPSG:3857 metres."""

    georeference: Georeference
    width: int
    height: int
    bounds: BBox

    @classmethod
    def of(cls, scene: SceneInfo) -> Placement:
        """Raises VedetteError(GEOREFERENCE) when the scene's reference system is none that PROJ knows."""
        if not scene.crs:
            flat = Georeference(scene.transform, None)
            return cls(flat, scene.width, scene.height, (0.0, -float(scene.height), float(scene.width), 0.0))
        georeference = Georeference.of(scene.crs, scene.transform, "the scene")
        x, y = _mercator(georeference.lonlat(_edge(scene.width, scene.height)))
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            return cls(georeference, scene.width, scene.height, (0.0, 0.0, 0.0, 0.0))
        bounds = (float(x[known].min()), float(y[known].min()), float(x[known].max()), float(y[known].max()))
        return cls(georeference, scene.width, scene.height, bounds)

    def pixels(self, x: Floats, y: Floats) -> Floats:
        """EPSG:3857 metres to positions (..., 2) in the scene; infinite where the projection has no answer."""
        if self.georeference.transformer is None:
            return np.stack([x, -y], axis=-1)
        latitude = np.degrees(np.arctan(np.sinh(y / _RADIUS_METRES)))
        return self.georeference.pixels(np.stack([np.degrees(x / _RADIUS_METRES), latitude], axis=-1))


def look(placement: Placement, tile: BBox, size: int) -> View | None:
    """What a tile of size x size pixels with these EPSG:3857 bounds shows of the scene; None when nothing."""
    pixel = (tile[2] - tile[0]) / size
    west, south, east, north = placement.bounds
    columns = _touched(west - tile[0], east - tile[0], pixel, size)
    rows = _touched(tile[3] - north, tile[3] - south, pixel, size)
    if columns is None or rows is None:
        return None
    across, down = _nodes(columns.start, columns.stop), _nodes(rows.start, rows.stop)
    nodes = placement.pixels(*np.meshgrid(tile[0] + across.at * pixel, tile[3] - down.at * pixel))
    nodes[~np.isfinite(nodes).all(axis=-1)] = np.nan
    x, y = (_between(np.ascontiguousarray(nodes[..., axis]), across, down) for axis in (0, 1))
    return View(rows, columns, x, y, _scale(nodes, across.at, down.at))


def shrunk(pixels: Pixels, valid: Valid | None, times: int) -> tuple[Pixels, Valid | None]:
    """The mean of about times x times pixels (of those that are valid), as an overview would have it."""
    height, width = pixels.shape[:2]
    size = (-(-width // times), -(-height // times))
    source = pixels if pixels.dtype.name in _SAMPLED else pixels.astype(np.float64)
    if valid is None:
        return _typed(_bands(cv2.resize(source, size, interpolation=cv2.INTER_AREA)), pixels.dtype), None
    weight = cv2.resize(valid.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    known = np.where(valid[..., None], source, 0).astype(np.float32)
    total = _bands(cv2.resize(known, size, interpolation=cv2.INTER_AREA))
    return _typed(total / np.maximum(weight, 1e-6)[..., None], pixels.dtype), weight > 0


def sample(pixels: Pixels, valid: Valid | None, x: Floats, y: Floats) -> tuple[Pixels, Valid]:
    """Between pixels (rows, columns, bands) bilinearly, at positions (x, y) in them; and where that is valid.

    A pixel that is not valid lends nothing to its neighbours. `valid` None: all are.
    """
    height, width = pixels.shape[:2]
    with np.errstate(invalid="ignore"):
        seen = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    at = (np.where(seen, x - 0.5, 0).astype(np.float32), np.where(seen, y - 0.5, 0).astype(np.float32))
    source = pixels if pixels.dtype.name in _SAMPLED else pixels.astype(np.float64)
    if valid is None:
        found = _remap(source, at)
    else:
        weight = valid.astype(np.float32)
        known = _remap(np.where(valid[..., None], source, 0).astype(np.float32) * weight[..., None], at)
        found = known / np.maximum(_remap(weight[..., None], at), 1e-6)
        seen &= cv2.remap(valid.astype(np.uint8), *at, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE) > 0
    return _typed(found, pixels.dtype), seen


def _remap(pixels: Pixels, at: tuple[NDArray[np.float32], NDArray[np.float32]]) -> Pixels:
    return _bands(cv2.remap(pixels, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _bands(pixels: Pixels) -> Pixels:
    """OpenCV drops the axis of the bands where there is one."""
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _typed(found: Pixels, dtype: np.dtype[Any]) -> Pixels:
    if found.dtype == dtype or not np.issubdtype(dtype, np.integer):
        return found
    limits = np.iinfo(dtype)
    return np.clip(np.rint(found), limits.min, limits.max).astype(dtype)


def _mercator(lonlat: Floats) -> tuple[Floats, Floats]:
    """Spherical Mercator (Snyder 1987, eq. 7-1 and 7-2); within 89.9 degrees, beyond which it has no end."""
    latitude = np.radians(np.clip(lonlat[..., 1], -89.9, 89.9))
    return _RADIUS_METRES * np.radians(lonlat[..., 0]), _RADIUS_METRES * np.arcsinh(np.tan(latitude))


def _edge(width: int, height: int) -> Floats:
    """Positions (n, 2) all along the outline, and a few within: a pole may lie inside."""
    x, y = np.meshgrid(np.linspace(0, width, _EDGE_POINTS), np.linspace(0, height, _EDGE_POINTS))
    return np.stack([x.ravel(), y.ravel()], axis=-1)


def _touched(low: float, high: float, pixel: float, size: int) -> slice | None:
    """Tile pixels from `low` to `high` metres, with one more on each side."""
    if not high > low:
        return None
    first, last = max(0, int(np.floor(low / pixel)) - 1), min(size, int(np.ceil(high / pixel)) + 1)
    return slice(first, last) if first < last else None


class _Nodes(NamedTuple):
    """Nodes (n,), and for the centre of each pixel the node before it and how far it is on its way to the next (0..1)."""

    at: Floats
    before: NDArray[np.int64]
    share: Floats


@lru_cache(maxsize=1024)
def _nodes(start: int, stop: int) -> _Nodes:
    count = max(2, -(-(stop - start) // _NODE_PIXELS) + 1)
    place = (np.arange(stop - start) + 0.5) / (stop - start) * (count - 1)
    before = np.minimum(place.astype(np.int64), count - 2)
    return _Nodes(np.linspace(start, stop, count), before, place - before)


def _between(values: Floats, across: _Nodes, down: _Nodes) -> Floats:
    """Values (nodes down, nodes across) at the centres of the pixels. No matrix product: its library's threads would
    fight with ours."""
    rows = values[down.before] * (1 - down.share)[:, None] + values[down.before + 1] * down.share[:, None]
    found: Floats = rows[:, across.before] * (1 - across.share) + rows[:, across.before + 1] * across.share
    return found


def _scale(nodes: Floats, across: Floats, down: Floats) -> float:
    """The root of the area that a tile's pixel covers in the scene: the median over the nodes."""
    along = np.diff(nodes, axis=1)[:-1] / np.diff(across)[None, :, None]
    below = np.diff(nodes, axis=0)[:, :-1] / np.diff(down)[:, None, None]
    area = np.abs(along[..., 0] * below[..., 1] - along[..., 1] * below[..., 0])
    area = area[np.isfinite(area)]
    return float(np.sqrt(np.median(area))) if len(area) else 1.0
