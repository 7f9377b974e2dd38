"""Draw one map tile of a scene: read from the COG, warp, stretch, encode. Called by raster_tiles.py in its threads.

Knows GDAL paths and scenes; nothing of items, requests or the store.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import rasterio
from PIL import Image
from rasterio.errors import RasterioError
from rio_tiler.errors import RioTilerError, TileOutsideBounds
from rio_tiler.io import Reader

from appliance.api.views.tiles import RasterStyle, Stretch, TileAddress
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import SceneInfo
from appliance.vision import stretch as vision

TILE_PIXELS = 256
_JPEG_QUALITY = 85
_WEBP_QUALITY = 85
_FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}


@dataclass(frozen=True)
class Source:
    """Where a scene lies, and the options under which GDAL opens it (they hold keys: never log them)."""

    path: str
    options: dict[str, str]
    scene: SceneInfo

    @property
    def map_path(self) -> str:
        """The path with its place on the map. A scene without georeference gets one: a pixel is a metre of EPSG:3857,
        rows growing south (docs/adr/0003)."""
        if self.scene.crs:
            return self.path
        corners = f"0,0,{self.scene.width},{-self.scene.height}"
        return f"vrt://{self.path}?a_srs=EPSG:3857&a_ullr={corners}"


def draw(source: Source, tile: TileAddress, style: RasterStyle) -> bytes | None:
    """The encoded tile; None outside the scene.

    Raises VedetteError(BANDS) when the scene has no such band and VedetteError(STORE, retryable) when it cannot be read.
    """
    indexes = chosen_bands(source.scene, style)
    try:
        with rasterio.Env(**source.options), Reader(source.map_path) as reader:  # type: ignore[no-untyped-call]
            image = reader.tile(
                tile.x, tile.y, tile.z, tilesize=TILE_PIXELS, indexes=indexes, resampling_method="bilinear"
            )
    except TileOutsideBounds:
        return None
    except (RasterioError, RioTilerError) as error:
        raise VedetteError(
            Code.STORE, "The scene cannot be read from the object store.", "Try again in a moment.", retryable=True
        ) from error
    valid = image.mask.astype(bool)
    if not valid.any():
        return None
    shown = stretches(source.scene, style, indexes)
    pixels = vision.Stretch(tuple(s.low for s in shown), tuple(s.high for s in shown)).apply(
        np.moveaxis(np.ma.getdata(image.array), 0, -1)
    )
    return encode(pixels, image.mask.astype(np.uint8), style)


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


def encode(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], alpha: np.ndarray, style: RasterStyle) -> bytes:
    """(rows, columns, 1 or 3) uint8 and alpha (rows, columns) uint8 as a picture; JPEG, which has no alpha, goes black."""
    colour = pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)
    out = io.BytesIO()
    if style.extension == "jpg":
        visible = colour * (alpha > 0)[..., None]
        Image.fromarray(visible.astype(np.uint8)).save(out, "JPEG", quality=_JPEG_QUALITY)
    else:
        picture = Image.fromarray(np.dstack((colour, alpha)))
        quality = {"quality": _WEBP_QUALITY, "method": 2} if style.extension == "webp" else {"compress_level": 3}
        picture.save(out, _FORMATS[style.extension], **quality)
    return out.getvalue()


def empty(style: RasterStyle) -> bytes:
    """A tile outside the scene: transparent, or black where the format has no alpha."""
    blank = np.zeros((TILE_PIXELS, TILE_PIXELS, 3), np.uint8)
    return encode(blank, blank[..., 0], style)
