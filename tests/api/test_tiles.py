"""Raster tiles come from the COG in the store, lie where the scene lies, and are transparent elsewhere."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from PIL import Image
from pyproj import Transformer

from appliance.contracts import keys
from tests.api import samples
from tests.api.appliance_under_test import Appliance

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
"""rasterio 1.4 multiplies transforms in a way that affine 3 means to end."""

RED, BLUE = (255, 0, 0), (0, 0, 255)


async def _scene(api: Appliance, folder: Path, crs: str | None) -> UUID:
    samples.write_cog(folder / "scene.tif", crs)
    item = await api.push_ready(samples.scene_info(crs=crs))
    await asyncio.to_thread(api.store.put_file, keys.scene(item), folder / "scene.tif", "image/tiff")
    return item


def _tile_of(x: float, y: float, zoom: int) -> tuple[int, int, int, int]:
    """Tile column and row, and the pixel within, of an EPSG:3857 position."""
    half = 20_037_508.342789244
    across = (x + half) / (2 * half) * (1 << zoom) * 256
    down = (half - y) / (2 * half) * (1 << zoom) * 256
    return int(across // 256), int(down // 256), int(across % 256), int(down % 256)


async def _pixel(api: Appliance, item: UUID, x: float, y: float, zoom: int) -> tuple[int, ...]:
    column, row, i, j = _tile_of(x, y, zoom)
    answer = await api.client.get(f"/api/items/{item}/tiles/{zoom}/{column}/{row}.png")
    assert answer.status_code == 200, answer.text
    found: tuple[int, ...] = Image.open(io.BytesIO(answer.content)).convert("RGBA").getpixel((i, j))  # type: ignore[assignment]
    return found


@pytest.mark.parametrize("zoom", [16, 18])
async def test_a_georeferenced_scene_lies_on_the_earth(api: Appliance, tmp_path: Path, zoom: int) -> None:
    item = await _scene(api, tmp_path, "EPSG:32617")
    to_map = Transformer.from_crs("EPSG:32617", "EPSG:3857", always_xy=True)
    west, north = samples.ORIGIN
    for column, row, expected in ((150, 200, (*RED, 255)), (450, 200, (*BLUE, 255)), (20, 20, None), (900, 200, None)):
        x, y = to_map.transform(west + column, north - row)
        found = await _pixel(api, item, x, y, zoom)
        assert found == expected if expected else found[3] == 0


@pytest.mark.parametrize("zoom", [15, 17, 19])
async def test_a_scene_without_georeference_has_a_metre_per_pixel(api: Appliance, tmp_path: Path, zoom: int) -> None:
    item = await _scene(api, tmp_path, None)
    for column, row, expected in ((150, 200, (*RED, 255)), (450, 200, (*BLUE, 255)), (20, 20, None), (900, 200, None)):
        found = await _pixel(api, item, column, -row, zoom)
        assert found == expected if expected else found[3] == 0


async def test_tiles_are_cached_by_content(api: Appliance, tmp_path: Path) -> None:
    item = await _scene(api, tmp_path, None)
    address = f"/api/items/{item}/tiles/17/65536/65536.png"
    first = await api.client.get(address)
    assert first.headers["cache-control"].startswith("private")
    again = await api.client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await api.client.get(address, params={"bands": "3"}, headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200
    assert "immutable" in (await api.client.get(address, params={"v": "1"})).headers["cache-control"]


async def test_a_tile_that_was_drawn_is_not_drawn_again(api: Appliance, tmp_path: Path) -> None:
    item = await _scene(api, tmp_path, None)
    address = f"/api/items/{item}/tiles/17/65536/65536.png"
    first = await api.client.get(address)
    await asyncio.to_thread(api.store.delete, [keys.scene(item)])
    again = await api.client.get(address)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    await api.client.delete(f"/api/items/{item}")
    assert (await api.client.get(address)).status_code == 404


async def test_bands_stretch_and_formats(api: Appliance, tmp_path: Path) -> None:
    item = await _scene(api, tmp_path, None)
    address = f"/api/items/{item}/tiles/17/65536/65536"
    gray = Image.open(io.BytesIO((await api.client.get(f"{address}.png?bands=1")).content))
    assert gray.getpixel((150, 200)) == (255, 255, 255, 255)
    dim = Image.open(io.BytesIO((await api.client.get(f"{address}.png?bands=1&rescale=0,510")).content))
    assert dim.getpixel((150, 200))[0] in {127, 128}  # type: ignore[index]
    jpeg = await api.client.get(f"{address}.jpg")
    assert jpeg.headers["content-type"] == "image/jpeg"
    red = np.asarray(Image.open(io.BytesIO(jpeg.content)))[200, 150]
    assert np.abs(red.astype(int) - RED).max() < 12
    webp = Image.open(io.BytesIO((await api.client.get(f"{address}.webp")).content))
    assert (webp.format, webp.mode) == ("WEBP", "RGBA")
    assert (await api.client.get(f"{address}.png?bands=4")).json()["code"] == "bands"


async def test_outside_the_map_is_transparent(api: Appliance, tmp_path: Path) -> None:
    item = await _scene(api, tmp_path, None)
    for place in ("3/7/7", "3/8/8", "24/0/0"):
        answer = await api.client.get(f"/api/items/{item}/tiles/{place}.png")
        assert answer.status_code == 200
        assert np.asarray(Image.open(io.BytesIO(answer.content)))[..., 3].max() == 0


async def test_an_unready_item_has_no_tiles_and_a_lost_scene_is_503(api: Appliance) -> None:
    item = await api.push(name="early.tif")
    assert (await api.client.get(f"/api/items/{item}/tiles/0/0/0.png")).status_code == 404
    lost = await api.push_ready(samples.scene_info(crs=None))
    answer = await api.client.get(f"/api/items/{lost}/tiles/17/65536/65536.png")
    assert (answer.status_code, answer.json()["code"]) == (503, "store")


@pytest.mark.parametrize("kind", ["webp", "png"])
async def test_thumbnails_are_passed_through(api: Appliance, kind: str) -> None:
    """As they were made: those of items from before WebP are PNG."""
    item = await api.push_ready()
    assert (await api.client.get(f"/api/items/{item}/thumbnail")).status_code == 404
    media_type = f"image/{kind}"
    await api.sql(
        f"""UPDATE items SET assets = assets || '[{{"role": "thumbnail", "key": "k", "media_type": "{media_type}",
           "size_bytes": 3, "sha256": null}}]'::jsonb"""
    )
    api.store.put_bytes(keys.thumbnail(item, media_type), kind.encode(), media_type)
    answer = await api.client.get(f"/api/items/{item}/thumbnail")
    assert (answer.content, answer.headers["content-type"]) == (kind.encode(), media_type)
