"""What is drawn for the map is what rio-tiler draws, by another way; and what is kept for the next tile is bounded."""

from __future__ import annotations

import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rio_tiler.io import Reader

from appliance.api.services.bounded import Bounded
from appliance.api.services.raster import Painter
from appliance.api.services.scene_blocks import SceneBlocks, Source
from appliance.api.views.tiles import RasterStyle, TileAddress
from appliance.contracts.item import SceneInfo
from tests.api import samples

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
"""rasterio 1.4 multiplies transforms in a way that affine 3 means to end."""

_SIDE = 1400


def _write(path: Path, dtype: str) -> SceneInfo:
    """Smooth ground with a little noise in EPSG:32617, a hole without data in it, overviews 2 and 4."""
    random = np.random.default_rng(5)
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE] / 90.0
    ground = np.stack([np.sin(columns + k) * np.cos(rows - k) * 0.4 + 0.5 for k in range(3)])
    top = 255 if dtype == "uint8" else 4000
    pixels = ((ground + random.normal(0, 0.004, ground.shape)).clip(0.02, 1) * top).astype(dtype)
    pixels[:, 300:500, 200:700] = 0
    profile: dict[str, Any] = {"width": _SIDE, "height": _SIDE, "count": 3, "dtype": dtype, "nodata": 0}
    profile |= {"crs": "EPSG:32617", "transform": Affine(0.5, 0, samples.ORIGIN[0], 0, -0.5, samples.ORIGIN[1])}
    with rasterio.open(
        path, "w", driver="COG", blocksize=512, compress="deflate", resampling="average", **profile
    ) as t:
        t.write(pixels)
    with rasterio.open(path) as made:
        overviews = made.overviews(1)
    size = {"width": _SIDE, "height": _SIDE, "overviews": overviews, "block_size": (512, 512), "nodata": 0.0}
    place = {"transform": (0.5, 0.0, samples.ORIGIN[0], 0.0, -0.5, samples.ORIGIN[1])}
    return samples.scene_info(dtype=dtype).model_copy(update={**size, **place})


def _read(data: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(np.int64)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_pixels_are_those_of_rio_tiler(tmp_path: Path, dtype: str) -> None:
    scene = _write(tmp_path / "scene.tif", dtype)
    painter = Painter(SceneBlocks(64 << 20))
    source = Source(str(tmp_path / "scene.tif"), dtype, {}, scene)
    top = 255 if dtype == "uint8" else 4000
    style = RasterStyle.parse("png", None, f"0,{top}")
    compared = 0
    with warnings.catch_warnings(), Reader(source.path) as reader:
        warnings.simplefilter("ignore")
        west, south, east, north = reader.get_geographic_bounds("EPSG:4326")
        for zoom in (15, 16, 17, 18, 20):
            for tile in list(reader.tms.tiles(west, south, east, north, zooms=[zoom]))[:9]:
                theirs = reader.tile(
                    *tile, tilesize=256, indexes=(1, 2, 3), resampling_method="bilinear", reproject_method="bilinear"
                )
                ours = _read(painter.draw(source, TileAddress(x=tile.x, y=tile.y, z=tile.z), style))
                seen = theirs.mask > 0
                assert (seen != (ours[..., 3] > 0)).mean() < 0.01  # a pixel along the edges
                both = seen & (ours[..., 3] > 0)
                theirs_shown = np.rint(np.moveaxis(np.ma.getdata(theirs.array), 0, -1) / top * 255)
                if both.any():
                    off = np.abs(ours[..., :3] - theirs_shown)[both]
                    assert off.mean() < 1.5, f"zoom {zoom}: off by {off.mean():.2f} of 255"
                    assert np.percentile(off, 99) < 8
                    compared += 1
    assert compared > 20


def test_one_band_is_grey_and_floats_are_stretched(tmp_path: Path) -> None:
    samples.write_cog(tmp_path / "scene.tif", None)
    source = Source(str(tmp_path / "scene.tif"), "c", {}, samples.scene_info(crs=None))
    drawn = Painter(SceneBlocks(1 << 20)).draw(
        source, TileAddress(z=17, x=65536, y=65536), RasterStyle.parse("webp", "3", None)
    )
    assert Image.open(io.BytesIO(drawn)).mode in {"RGB", "RGBA"}


def test_many_threads_draw_what_one_draws(tmp_path: Path) -> None:
    scene = _write(tmp_path / "scene.tif", "uint8")
    source, style = Source(str(tmp_path / "scene.tif"), "c", {}, scene), RasterStyle.parse("png", None, None)
    with warnings.catch_warnings(), Reader(source.path) as reader:
        warnings.simplefilter("ignore")
        places = reader.tms.tiles(*reader.get_geographic_bounds("EPSG:4326"), zooms=[18])
        tiles = [TileAddress(x=tile.x, y=tile.y, z=tile.z) for tile in places]
    one = Painter(SceneBlocks(64 << 20))
    alone = [one.draw(source, tile, style) for tile in tiles]
    tight = SceneBlocks(2 << 20)  # hardly anything can be kept
    shared = Painter(tight)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda tile: shared.draw(source, tile, style), tiles * 2))
    assert together == alone * 2
    tight.close()


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    kept: Bounded[str, bytes] = Bounded(10, len)
    kept.put("a", b"1234")
    kept.put("b", b"1234")
    assert kept.get("a") == b"1234"
    kept.put("c", b"1234")
    assert (kept.get("b"), kept.get("a"), kept.bytes) == (None, b"1234", 8)
    kept.put("a", b"12")
    kept.put("huge", b"12345678901")
    assert (kept.get("huge"), kept.get("a"), kept.bytes) == (None, b"12", 6)
