"""Every kind of input becomes a COG whose pixels are the input's, with exact statistics."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp

from appliance.contracts.errors import Code, VedetteError
from appliance.media.limits import Limits
from tests.media.conftest import Normalise
from tests.media.pictures import UTM, read, texture, write

GEO = {"crs": "EPSG:32633", "transform": UTM}


def assert_cog(path: Path, overviews: list[int]) -> None:
    """Tiled by 512, the IFDs before any pixel, overviews before the full resolution."""
    with rasterio.open(path) as source:
        assert source.block_shapes[0] == (512, 512)
        assert source.overviews(1) == overviews
        offset = [int(source.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))]
        ifds = [int(source.get_tag_item("IFD_OFFSET", "TIFF", bidx=1))]
        for level in range(len(overviews)):
            offset.append(int(source.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1, ovr=level)))
            ifds.append(int(source.get_tag_item("IFD_OFFSET", "TIFF", bidx=1, ovr=level)))
    assert ifds == sorted(ifds)
    assert max(ifds) < min(offset)
    assert offset == sorted(offset, reverse=True)


@pytest.mark.parametrize(
    ("dtype", "bands"),
    [
        *(("uint8", n) for n in (1, 2, 3, 6)),
        *(("uint16", n) for n in (1, 4, 6)),
        *((name, 1) for name in ("int8", "int16", "uint32", "int32", "float64", "uint64", "int64")),
        ("float32", 3),
    ],
)
def test_pixels_and_statistics_are_the_inputs(make: Normalise, tmp_path: Path, dtype: str, bands: int) -> None:
    pixels = texture(bands, 700, 1100, dtype)
    made = make(write(tmp_path / "in.tif", pixels, **GEO))
    kept = pixels.astype("float64") if dtype.endswith("64") else pixels
    np.testing.assert_array_equal(read(made.scene_path), kept)
    assert made.scene.dtype == kept.dtype.name
    assert_cog(made.scene_path, [2, 4])
    for band, values in zip(made.scene.bands, kept.astype(np.float64), strict=True):
        assert band.minimum == values.min()
        assert band.maximum == values.max()
        assert band.mean == pytest.approx(values.mean(), rel=1e-9)
        assert band.standard_deviation == pytest.approx(values.std(), rel=1e-9)
        tolerance = {"rel": 1e-12} if np.dtype(dtype).itemsize <= 2 else {"rel": 2**-11, "abs": 0.5}
        low, high = np.percentile(values, [2, 98], method="inverted_cdf")
        assert (band.low, band.high) == (pytest.approx(low, **tolerance), pytest.approx(high, **tolerance))
        assert band.valid_percent == 100
    assert made.scene.crs == "EPSG:32633"
    assert made.scene.gsd_metres == pytest.approx(0.5, rel=1e-3)


def test_nodata_is_left_out_of_statistics_and_footprint(make: Normalise, tmp_path: Path) -> None:
    pixels = np.clip(texture(3, 600, 800), 1, 255).astype(np.uint8)
    pixels[:, :, :400] = 0
    made = make(write(tmp_path / "in.tif", pixels, nodata=0, **GEO))
    band = made.scene.bands[0]
    assert band.valid_percent == 50
    assert band.minimum == pixels[0][:, 400:].min()
    assert band.mean == pytest.approx(pixels[0][:, 400:].mean())
    assert made.scene.nodata == 0
    whole = make(write(tmp_path / "whole.tif", texture(3, 600, 800) | 1, **GEO)).scene
    assert made.scene.bbox
    assert whole.bbox
    share = (made.scene.bbox[2] - made.scene.bbox[0]) / (whole.bbox[2] - whole.bbox[0])
    assert share == pytest.approx(0.5, abs=0.01)


def test_not_a_number_becomes_finite_nodata(make: Normalise, tmp_path: Path) -> None:
    pixels = texture(2, 300, 300, "float32")
    pixels[0, :100] = np.nan
    pixels[1, 5, 5] = np.inf
    made = make(write(tmp_path / "in.tif", pixels, nodata=np.nan, **GEO))
    stored = read(made.scene_path)
    assert np.isfinite(stored).all()
    assert made.scene.nodata is not None
    assert (stored[0, :100] == np.float32(made.scene.nodata)).all()
    assert made.scene.bands[0].valid_percent == pytest.approx(200 / 3)
    assert made.scene.bands[0].mean == pytest.approx(pixels[0, 100:].mean(dtype=np.float64))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_mask_becomes_an_alpha_band(make: Normalise, tmp_path: Path, dtype: str) -> None:
    pixels = texture(3, 600, 600, dtype)
    mask = np.zeros((600, 600), np.uint8)
    mask[100:500, 100:500] = 255
    made = make(write(tmp_path / "in.tif", pixels, mask=mask, **GEO))
    assert made.scene.has_alpha
    assert made.scene.colour_interpretation[-1] == "alpha"
    with rasterio.open(made.scene_path) as scene:
        np.testing.assert_array_equal(scene.dataset_mask(), mask)
    assert made.scene.bands[0].valid_percent == pytest.approx(100 * 16 / 36)
    assert made.scene.bands[0].maximum == pixels[0][mask > 0].max()


def test_a_mask_beside_floats_becomes_nodata(make: Normalise, tmp_path: Path) -> None:
    mask = np.full((300, 300), 255, np.uint8)
    mask[:50] = 0
    made = make(write(tmp_path / "in.tif", texture(1, 300, 300, "float32"), mask=mask, **GEO))
    assert not made.scene.has_alpha
    with rasterio.open(made.scene_path) as scene:
        np.testing.assert_array_equal(scene.dataset_mask(), mask)


def test_alpha_stays(make: Normalise, tmp_path: Path) -> None:
    pixels = texture(4, 300, 300)
    pixels[3] = 255
    pixels[3, :, :30] = 0
    names = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    made = make(write(tmp_path / "in.tif", pixels, colorinterp=names, **GEO))
    assert made.scene.colour_interpretation == ["red", "green", "blue", "alpha"]
    assert made.scene.bands[1].valid_percent == 90
    np.testing.assert_array_equal(read(made.scene_path), pixels)


def test_palette_becomes_colour(make: Normalise, tmp_path: Path) -> None:
    indexes = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    path = tmp_path / "in.png"
    image = Image.fromarray(indexes[0], "P")
    colours = np.random.default_rng(1).integers(0, 256, (256, 3), np.uint8)
    image.putpalette(colours.tobytes())
    image.save(path)
    made = make(path)
    assert made.scene.colour_interpretation == ["red", "green", "blue"]
    np.testing.assert_array_equal(read(made.scene_path).transpose(1, 2, 0).reshape(256, 3), colours)


def test_complex_becomes_amplitude(make: Normalise, tmp_path: Path) -> None:
    pixels = (texture(1, 200, 200, "float32") + 1j * texture(1, 200, 200, "float32", seed=8)).astype("complex64")
    made = make(write(tmp_path / "in.tif", pixels, **GEO))
    np.testing.assert_allclose(read(made.scene_path), np.abs(pixels), rtol=1e-6)
    assert any("amplitude" in note for note in made.scene.notes)


@pytest.mark.parametrize(
    ("name", "driver", "options"),
    [
        ("in.jp2", "JP2OpenJPEG", {"QUALITY": 100, "REVERSIBLE": "YES"}),
        ("in.png", "PNG", {}),
        ("in.ntf", "NITF", {}),
        ("in.tif", "GTiff", {"compress": "lzw", "tiled": True, "blockxsize": 256, "blockysize": 128}),
        ("big.tif", "GTiff", {"BIGTIFF": "YES", "interleave": "band"}),
        ("cog.tif", "COG", {"compress": "deflate"}),
    ],
)
def test_formats(make: Normalise, tmp_path: Path, name: str, driver: str, options: dict[str, Any]) -> None:
    pixels = texture(3, 1300, 1100)
    if driver in ("GTiff", "NITF"):
        path = write(tmp_path / name, pixels, driver, **options)
    else:
        from rasterio.shutil import copy

        with rasterio.Env(GDAL_PAM_ENABLED="NO"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            copy(write(tmp_path / "plain.tif", pixels), tmp_path / name, driver=driver, **options)
        path = tmp_path / name
    made = make(path)
    np.testing.assert_array_equal(read(made.scene_path), pixels)
    assert made.scene.driver == ("GTiff" if driver == "COG" else driver)
    assert made.scene.crs is None
    assert made.scene.transform == (1, 0, 0, 0, 1, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(make: Normalise, tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    path = tmp_path / "photo.jpg"
    pixels = texture(3, 1090, 620).transpose(1, 2, 0)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, quality=95, subsampling=0, exif=exif)
    made = make(path)
    with Image.open(path) as stored:
        upright = np.asarray(ImageOps.exif_transpose(stored), int)
    scene = read(made.scene_path).transpose(1, 2, 0).astype(int)
    assert scene.shape == upright.shape
    assert np.abs(scene - upright).mean() < 1  # two JPEG decoders differ in rounding


def test_exif_time_and_place(make: Normalise, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0x9011: "+02:00"})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 30.0, 0.0), 3: "W", 4: (16.0, 15.0, 0.0)})
    Image.fromarray(texture(3, 64, 64).transpose(1, 2, 0)).save(path, exif=exif)
    scene = make(path).scene
    assert scene.acquired_at is not None
    assert scene.acquired_at.isoformat() == "2024-05-06T05:08:09+00:00"
    assert any("-16.250000, 48.500000" in note for note in scene.notes)
    assert scene.crs is None


def test_tiff_and_nitf_times(make: Normalise, tmp_path: Path) -> None:
    tiff = write(tmp_path / "a.tif", texture(1, 64, 64), tags={"TIFFTAG_DATETIME": "2023:01:02 03:04:05"}, **GEO)
    nitf = write(tmp_path / "a.ntf", texture(1, 64, 64), "NITF", IDATIM="20220102030405")
    found = [make(path).scene.acquired_at for path in (tiff, nitf)]
    assert [moment and moment.isoformat() for moment in found] == [
        "2023-01-02T03:04:05+00:00",
        "2022-01-02T03:04:05+00:00",
    ]


def test_south_up_becomes_north_up(make: Normalise, tmp_path: Path) -> None:
    pixels = texture(1, 1000, 700)
    upright = make(write(tmp_path / "n.tif", pixels, **GEO)).scene
    south_up = UTM @ Affine.translation(0, 1000) @ Affine.scale(1, -1)
    made = make(write(tmp_path / "s.tif", pixels[:, ::-1], crs="EPSG:32633", transform=south_up))
    np.testing.assert_array_equal(read(made.scene_path), pixels)
    assert made.scene.transform == pytest.approx(upright.transform)


def test_a_rotated_grid_is_kept(make: Normalise, tmp_path: Path) -> None:
    turned = UTM @ Affine.rotation(30)
    made = make(write(tmp_path / "r.tif", texture(1, 400, 600), crs="EPSG:32633", transform=turned))
    assert made.scene.transform == pytest.approx(tuple(turned)[:6])
    assert made.scene.gsd_metres == pytest.approx(0.5, rel=1e-3)
    with rasterio.open(made.scene_path) as scene:
        assert tuple(scene.transform) == pytest.approx(tuple(turned))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_control_points_are_warped_away(make: Normalise, tmp_path: Path, dtype: str) -> None:
    import pyproj

    truth = UTM @ Affine.rotation(20)
    to_lonlat = pyproj.Transformer.from_crs("EPSG:32633", "EPSG:4326", always_xy=True)
    gcps = []
    for row, col in [(0, 0), (0, 500), (400, 0), (400, 500), (200, 250)]:
        lon, lat = to_lonlat.transform(*(truth @ (col, row)))
        gcps.append(GroundControlPoint(row, col, lon, lat))
    pixels = np.zeros((1, 400, 500), dtype) + 10
    pixels[0, 180:220, 230:270] = 200
    made = make(write(tmp_path / "g.tif", pixels, gcps=(gcps, rasterio.crs.CRS.from_epsg(4326))))
    assert made.scene.crs == "EPSG:32633"
    assert made.scene.gsd_metres == pytest.approx(0.5, rel=0.05)
    with rasterio.open(made.scene_path) as scene:
        x, y = truth @ (250, 200)
        row, col = scene.index(x, y)
        assert scene.read(1)[row, col] == 200
        assert 40 < 100 * (scene.dataset_mask() > 0).mean() < 90
    assert any("ground control points" in note for note in made.scene.notes)


def test_thumbnail_is_small_and_stretched(make: Normalise, tmp_path: Path) -> None:
    made = make(write(tmp_path / "in.tif", texture(4, 900, 1800, "uint16") // 100 + 1000, **GEO))
    with Image.open(made.thumbnail_path) as picture:
        assert picture.format == "WEBP"
        assert picture.size == (512, 256)
        values = np.asarray(picture)[:, :, 0]
    assert values.min() < 20
    assert values.max() > 235
    assert made.thumbnail_path.stat().st_size < 50_000


def test_a_thumbnail_is_transparent_where_nothing_is_valid(make: Normalise, tmp_path: Path) -> None:
    pixels = texture(3, 600, 600)
    pixels[:, :, :300] = 0
    made = make(write(tmp_path / "in.tif", pixels, nodata=0, **GEO))
    with Image.open(made.thumbnail_path) as picture:
        alpha = np.asarray(picture.convert("RGBA"))[:, :, 3]
    assert alpha[:, :250].max() == 0
    assert alpha[:, 262:].min() == 255


def test_many_bands_in_little_memory(make: Normalise, tmp_path: Path) -> None:
    pixels = texture(2, 256, 256, "uint16")
    many = np.tile(pixels, (100, 1, 1))
    made = make(write(tmp_path / "in.tif", many, interleave="pixel", **GEO), Limits(memory_bytes=1 << 30))
    np.testing.assert_array_equal(read(made.scene_path), many)
    assert len(made.scene.bands) == 200


def test_progress_rises_and_can_stop_the_work(nursery: Any, tmp_path: Path) -> None:
    from appliance.media.normalise import normalise

    path = write(tmp_path / "in.tif", texture(3, 2000, 2000), **GEO)
    seen: list[float] = []
    normalise(path, "in.tif", tmp_path / "a", progress=seen.append, nursery=nursery)
    assert seen == sorted(seen)
    assert seen[-1] > 0

    def stop(fraction: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        normalise(path, "in.tif", tmp_path / "b", progress=stop, nursery=nursery)
    assert list((tmp_path / "b").iterdir()) == []


def test_a_missing_file_is_named(make: Normalise, tmp_path: Path) -> None:
    with pytest.raises(VedetteError, match=r"gone\.tif") as raised:
        make(tmp_path / "gone.tif")
    assert raised.value.reason.code is Code.NOT_FOUND
