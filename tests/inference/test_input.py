"""What scenes may be: bands, types, masks, geometry; and what is said of those that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.enums import ColorInterp, Resampling

from appliance.contracts.detection import PARQUET_COLUMNS, RunSummary
from appliance.contracts.errors import Code, VedetteError
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from appliance.vision.georeference import Georeference
from tests.inference import scenes
from tests.inference.models import Blobs, manifest

_SIZE = 300
_THERE = scenes.boxes(9, _SIZE, _SIZE, 60)
_GROUND = {"minimum": 0.05, "nominal": 0.1, "maximum": 0.2}


def run(path: Path, options: PredictOptions = PredictOptions(), **changes: Any) -> RunSummary:
    source = SceneSource(str(path), path.name)
    return predict_scene(source, manifest(**changes), Blobs(), path.parent / "out.parquet", options)


def found(path: Path, **changes: Any) -> list[tuple[float, ...]]:
    run(path, **changes)
    return scenes.rows(path.parent / "out.parquet")


def places(rows: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    return [row[:4] for row in rows]


EXPECTED = scenes.expected(_THERE)


@pytest.mark.parametrize(
    "profile",
    [
        {"compress": "jpeg", "photometric": "ycbcr", "jpeg_quality": 100},
        {"interleave": "band"},
        {"tiled": False, "blockxsize": None, "blockysize": 1},
        {"tiled": False, "blockxsize": None, "blockysize": _SIZE},
        {"blockxsize": 512, "blockysize": 512},
        {"driver": "PNG", "crs": None, "transform": None},
        {"driver": "JP2OpenJPEG", "quality": 100, "reversible": "yes"},
    ],
)
def test_however_the_pixels_are_stored(tmp_path: Path, profile: dict[str, Any]) -> None:
    profile = {key: value for key, value in profile.items() if value is not None or key in ("crs", "transform")}
    suffix = {"PNG": "png", "JP2OpenJPEG": "jp2"}.get(profile.get("driver", ""), "tif")
    path = scenes.write(tmp_path / f"s.{suffix}", scenes.drawn(_THERE, _SIZE, _SIZE), **profile)
    rows = found(path)
    if profile.get("compress") == "jpeg":
        assert len(rows) == len(EXPECTED)
    else:
        assert rows == EXPECTED


def test_bands_are_found_by_colour_position_and_description(tmp_path: Path) -> None:
    image = np.zeros((4, _SIZE, _SIZE), np.uint8)
    image[2] = scenes.drawn(_THERE, _SIZE, _SIZE)[0]
    path = scenes.write(tmp_path / "s.tif", image, photometric="minisblack")
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.blue, ColorInterp.green, ColorInterp.red, ColorInterp.undefined]
        dataset.descriptions = ("a", "b", "c", "Thermal")
    assert found(path) == EXPECTED
    assert found(path, input={"bands": ["3", "1"]}) == EXPECTED
    assert found(path, input={"bands": ["thermal"]}) == []
    with pytest.raises(VedetteError, match=r"s\.tif has no band swir") as refused:
        run(path, input={"bands": ["red", "swir"]})
    assert refused.value.reason.code is Code.BANDS
    assert "red, swir" in refused.value.reason.remedy


def test_bands_without_colours_are_taken_in_order_and_that_is_said(tmp_path: Path) -> None:
    path = scenes.write(tmp_path / "s.tif", scenes.drawn(_THERE, _SIZE, _SIZE), photometric="minisblack")
    assert found(path) == EXPECTED
    assert any("taken in the order" in note for note in run(path).notes)


def test_sixteen_bits_are_stretched(tmp_path: Path) -> None:
    deep = scenes.drawn(_THERE, _SIZE, _SIZE).astype(np.uint16) * 40 + 1000
    assert places(found(scenes.write(tmp_path / "s.tif", deep))) == places(EXPECTED)


def test_floats_with_holes_are_read(tmp_path: Path) -> None:
    image = scenes.drawn(_THERE, _SIZE, _SIZE).astype(np.float32) / 255
    image[:, 290:, :5] = np.nan
    path = scenes.write(tmp_path / "s.tif", image)
    assert places(found(path)) == places(EXPECTED)
    assert places(found(path, input={"dtype": "float32"})) == []  # values of at most 1 are below this model's 127


@pytest.mark.parametrize("kind", ["alpha", "nodata", "mask"])
def test_what_holds_no_data_is_neither_searched_nor_found(tmp_path: Path, kind: str) -> None:
    image = scenes.drawn(_THERE, _SIZE, _SIZE)
    hidden = np.zeros((_SIZE, _SIZE), bool)
    hidden[150:] = True
    visible = [box for box in _THERE if box[1] + box[3] <= 150]
    clear = scenes.drawn(visible, _SIZE, _SIZE)
    clear[:, hidden] = image[:, hidden]
    if kind == "alpha":
        path = scenes.write(tmp_path / "s.tif", np.concatenate([clear, (~hidden)[None] * np.uint8(255)]), alpha="yes")
    elif kind == "nodata":
        clear[:, hidden] = 255
        path = scenes.write(tmp_path / "s.tif", clear, nodata=255)
    else:
        path = scenes.write(tmp_path / "s.tif", clear)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
            dataset.write_mask(~hidden)
    summary = run(path)
    assert places(scenes.rows(tmp_path / "out.parquet")) == sorted(places(scenes.expected(visible)))
    assert summary.tiles_skipped > 0


def test_a_scene_without_data_finishes_and_says_so(tmp_path: Path) -> None:
    path = scenes.write(tmp_path / "s.tif", np.zeros((3, _SIZE, _SIZE), np.uint8), nodata=0)
    summary = run(path)
    assert (summary.detections, summary.tiles) == (0, 0)
    assert "No pixel" in summary.notes[0]
    nan = np.full((3, _SIZE, _SIZE), np.nan, np.float32)
    assert run(scenes.write(tmp_path / "n.tif", nan)).detections == 0


def test_a_rotated_scene_lands_where_its_transform_says(tmp_path: Path) -> None:
    turned = Affine.translation(400_000, 3_300_000) @ Affine.rotation(30) @ Affine.scale(0.1, -0.1)
    path = scenes.write(tmp_path / "s.tif", scenes.drawn(_THERE, _SIZE, _SIZE), transform=turned)
    run(path, input={"gsd_metres": _GROUND})
    table = pq.read_table(tmp_path / "out.parquet").to_pydict()
    ground = Georeference.of("EPSG:32617", tuple(turned)[:6], "s")
    for x, y, wide, high, area, wkb in zip(
        *(table[name] for name in ("x", "y", "width", "height", "area_square_metres", "geometry")), strict=True
    ):
        middle = shapely.from_wkb(wkb).centroid
        assert ground.pixels(np.array([[middle.x, middle.y]]))[0] == pytest.approx([x, y], abs=0.01)
        assert area == pytest.approx(wide * high * 0.01, rel=3e-3)


def test_a_finer_scene_is_read_from_its_overview(tmp_path: Path) -> None:
    large = [(x * 4, y * 4, w * 4, h * 4) for x, y, w, h in _THERE]
    path = scenes.write(tmp_path / "s.tif", scenes.drawn(large, _SIZE * 4, _SIZE * 4))
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.nearest)
    ground = {"minimum": 0.05, "nominal": 0.4, "maximum": 1.0}
    seen = places(found(path, input={"gsd_metres": ground}))
    assert np.array(seen) == pytest.approx(np.array(places(scenes.expected(large))), abs=0.01)


def test_a_ground_sample_distance_out_of_range_names_both_numbers(tmp_path: Path) -> None:
    path = scenes.write(tmp_path / "s.tif", scenes.drawn([], 50, 50), transform=Affine(10, 0, 4e5, 0, -10, 3.3e6))
    with pytest.raises(
        VedetteError, match=r"s\.tif has pixels of 10 m; this detector takes 0\.05 to 0\.2 m"
    ) as refused:
        run(path, input={"gsd_metres": _GROUND})
    assert refused.value.reason.code is Code.GSD


def test_the_file_is_geoparquet_with_the_agreed_columns(tmp_path: Path) -> None:
    run(scenes.write(tmp_path / "s.tif", scenes.drawn(_THERE, _SIZE, _SIZE)))
    table = pq.read_table(tmp_path / "out.parquet")
    assert tuple(table.column_names) == PARQUET_COLUMNS
    assert table.column("ordinal").to_pylist() == list(range(len(EXPECTED)))
    assert b'"version": "1.1.0"' in table.schema.metadata[b"geo"]
    assert set(table.column("label").to_pylist()) == {"thing/blob"}


def test_steps_after_the_model_apply(tmp_path: Path) -> None:
    path = scenes.write(tmp_path / "s.tif", scenes.drawn(_THERE, _SIZE, _SIZE))
    recipe = {"after": [{"step": "minimum-size", "parameters": {"metres": 1.5}}]}
    assert len(found(path, recipe=recipe)) == sum(min(w, h) >= 15 for _, _, w, h in _THERE)
    with pytest.raises(VedetteError, match="step dream is not known"):
        run(path, recipe={"after": [{"step": "dream"}]})


def test_a_geofence_keeps_what_lies_inside_and_skips_tiles(tmp_path: Path) -> None:
    path = scenes.write(tmp_path / "s.tif", scenes.drawn(_THERE, _SIZE, _SIZE))
    ground = Georeference.of("EPSG:32617", (0.1, 0, 4e5, 0, -0.1, 3.3e6), "s")
    fence = shapely.Polygon(ground.lonlat(np.array([[0.0, 0], [100, 0], [100, 100], [0, 100]])))
    summary = run(path, PredictOptions(geofence=fence))
    assert scenes.rows(tmp_path / "out.parquet") == [row for row in EXPECTED if row[0] < 100 and row[1] < 100]
    assert summary.tiles_skipped > 0


def _damage(path: Path, kind: str) -> Path:
    data = path.read_bytes()
    broken = {
        "empty": b"",
        "truncated": data[: len(data) // 3],
        "header": data[:40],
        "text": b"hello" * 100,
    }[kind]
    path.write_bytes(broken)
    return path


@pytest.mark.parametrize("kind", ["empty", "truncated", "header", "text"])
def test_damaged_files_get_one_sentence(tmp_path: Path, kind: str) -> None:
    path = _damage(scenes.write(tmp_path / "harbour.tif", scenes.drawn(_THERE, _SIZE, _SIZE)), kind)
    with pytest.raises(VedetteError, match=r"harbour\.tif"):
        run(path)
    assert not list(tmp_path.glob("out*"))


def test_mutated_files_never_end_in_anything_else(tmp_path: Path) -> None:
    good = scenes.write(tmp_path / "s.tif", scenes.drawn(_THERE, _SIZE, _SIZE)).read_bytes()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        data = bytearray(good)
        for place in rng.integers(0, min(len(data), 600 if seed % 2 else len(data)), 4):
            data[place] = int(rng.integers(0, 256))
        path = tmp_path / "m.tif"
        path.write_bytes(bytes(data))
        try:
            run(path)
        except VedetteError as error:
            assert "m.tif" in error.reason.message  # noqa: PT017


def test_a_hostile_size_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    size = {"driver": "GTiff", "count": 3, "dtype": "uint8", "width": 20_000, "height": 20_000}
    blocks = {"tiled": True, "blockxsize": 20_000, "blockysize": 20_000, "interleave": "pixel"}
    with rasterio.open(path, "w", **size, **blocks, sparse_ok=True, photometric="rgb", transform=Affine.scale(2)):
        pass
    with pytest.raises(VedetteError) as refused:
        run(path)
    assert refused.value.reason.code is Code.TOO_LARGE


_ENDS = [
    ("EPSG:3413", Affine(30, 0, -3_000, 0, -30, 3_000), "the north pole in the middle"),
    ("EPSG:3031", Affine(30, 0, -3_000, 0, -30, 3_000), "the south pole in the middle"),
    ("EPSG:32601", Affine(10, 0, 164_000, 0, -10, 7_000_000), "the antimeridian in the west"),
    ("EPSG:4326", Affine(0.0001, 0, 179.99, 0, -0.0001, 10.0), "degrees that run on past 180"),
]


def _bend(crs: str, side: float) -> float:
    """How far an edge that is straight in degrees may leave the box: beside a pole degrees are no straight lines."""
    return 0.15 * side if crs in ("EPSG:3413", "EPSG:3031") else 0.1


@pytest.mark.parametrize(("crs", "transform", "where"), _ENDS, ids=[where for *_, where in _ENDS])
def test_objects_at_the_ends_of_the_map_lie_where_they_are(
    crs: str, transform: Affine, where: str, tmp_path: Path
) -> None:
    """Every part of every shape is on the map, and its points come back to the box they came from."""
    path = scenes.write(tmp_path / "s.tif", scenes.drawn(_THERE, _SIZE, _SIZE), crs=crs, transform=transform)
    assert run(path).detections == len(_THERE), where
    table = pq.read_table(tmp_path / "out.parquet").to_pydict()
    ground = Georeference.of(crs, tuple(transform)[:6], "s")
    for x, y, wide, high, wkb in zip(*(table[name] for name in ("x", "y", "width", "height", "geometry")), strict=True):
        shape = shapely.from_wkb(wkb)
        assert shape.is_valid
        points = shapely.get_coordinates(shape)
        assert (np.abs(points) <= [180, 90]).all()
        pixels = ground.pixels(points)
        turn = 360 / transform.a if crs == "EPSG:4326" else np.inf
        across = np.abs(pixels[:, 0] - x)
        assert (np.minimum(across, np.abs(across - turn)) <= wide / 2 + _bend(crs, wide)).all()
        assert (np.abs(pixels[:, 1] - y) <= high / 2 + _bend(crs, high)).all()
