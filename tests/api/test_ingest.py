"""Detections come in whole or not at all, at constant memory, and come out as rows, tiles and figures."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from tests.api import mvt, samples
from tests.api.appliance_under_test import DATASET, Appliance

MEBIBYTE = 1 << 20


async def _run(api: Appliance, folder: Path, crs: str | None = None) -> tuple[UUID, UUID]:
    await api.apply_detector(folder / "package")
    item = await api.push_ready(samples.scene_info(crs=crs))
    return item, await api.start_run(item)


@contextmanager
def _peak() -> Iterator[list[int]]:
    """The growth of this process's resident memory while the block runs, in bytes, sampled each 5 ms."""
    process, done = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    grown = [0]

    def watch() -> None:
        while not done.wait(0.005):
            grown[0] = max(grown[0], process.memory_info().rss - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield grown
    finally:
        done.set()
        thread.join()


async def test_a_hundred_thousand_detections_in_flat_memory(api: Appliance, tmp_path: Path) -> None:
    item, run = await _run(api, tmp_path)
    samples.pixel_detections(tmp_path / "few.parquet", 10_000)
    samples.pixel_detections(tmp_path / "many.parquet", 100_000)
    await api.finish_run(item, run, tmp_path / "few.parquet", 10_000)
    other = await api.push_ready(samples.scene_info(crs=None), name="other.tif")
    second = await api.start_run(other)
    began = time.monotonic()
    with _peak() as grown:
        done = await api.finish_run(other, second, tmp_path / "many.parquet", 100_000)
    assert done["state"] == "succeeded"
    assert time.monotonic() - began < 120
    assert grown[0] < 60 * MEBIBYTE, f"grew by {grown[0] / MEBIBYTE:.0f} MiB"
    assert await api.sql("SELECT count(*) FROM detections WHERE run_id = :run", run=second) == [(100_000,)]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement of any request may take a quarter of a second."""
    monkeypatch.setattr("appliance.api.storage.database._STATEMENT_MILLISECONDS", 250)


async def test_detections_may_take_longer_than_any_request(hurried: None, api: Appliance, tmp_path: Path) -> None:
    item, run = await _run(api, tmp_path)
    samples.pixel_detections(tmp_path / "many.parquet", 60_000)
    began = time.monotonic()
    assert (await api.finish_run(item, run, tmp_path / "many.parquet", 60_000))["state"] == "succeeded"
    assert time.monotonic() - began > 0.25, "they were too few to tell"


async def test_the_api_answers_while_it_ingests(api: Appliance, tmp_path: Path) -> None:
    item, run = await _run(api, tmp_path)
    samples.pixel_detections(tmp_path / "d.parquet", 30_000)
    ingesting = asyncio.create_task(api.finish_run(item, run, tmp_path / "d.parquet", 30_000))
    answered = 0
    while not ingesting.done():
        assert (await api.client.get("/healthz")).status_code == 200
        answered += 1
        await asyncio.sleep(0.01)
    assert (await ingesting)["state"] == "succeeded"
    assert answered > 5


async def test_a_wrong_file_fails_the_run_and_leaves_no_rows(api: Appliance, tmp_path: Path) -> None:
    item, run = await _run(api, tmp_path)
    good = tmp_path / "good.parquet"
    samples.pixel_detections(good, 10)
    table = pq.read_table(good)
    scores = pa.array([float("nan")] * 10, pa.float32())
    wrong = {
        "columns": table.drop_columns(["score"]),
        "nan": table.set_column(2, "score", scores),
        "wkb": table.set_column(9, "geometry", pa.array([b"not wkb"] * 10, pa.binary())),
        "twice": table.set_column(0, "ordinal", pa.array([0] * 10, pa.int64())),
        "label": table.set_column(1, "label", pa.array(["a\0b"] * 10)),
    }
    attempt = 1
    for name, content in wrong.items():
        pq.write_table(content, tmp_path / "bad.parquet")
        done = await api.finish_run(item, run, tmp_path / "bad.parquet", 10, attempt)
        assert (done["state"], done["reason"]["code"]) == ("failed", "unreadable"), (name, done["reason"])
        assert await api.sql("SELECT count(*) FROM detections") == [(0,)]
        attempt = (await api.client.post(f"/api/runs/{run}/retry")).json()["attempt"]
    (tmp_path / "bad.parquet").write_bytes(good.read_bytes()[:-100])
    assert (await api.finish_run(item, run, tmp_path / "bad.parquet", 10, attempt))["state"] == "failed"
    attempt = (await api.client.post(f"/api/runs/{run}/retry")).json()["attempt"]
    short = await api.finish_run(item, run, good, 11, attempt)
    assert (short["state"], short["reason"]["code"]) == ("failed", "truncated")
    attempt = (await api.client.post(f"/api/runs/{run}/retry")).json()["attempt"]
    assert (await api.finish_run(item, run, good, 10, attempt))["state"] == "succeeded"


async def test_pages_filters_and_histogram(api: Appliance, tmp_path: Path) -> None:
    item, run = await _run(api, tmp_path)
    samples.pixel_detections(tmp_path / "d.parquet", 101)
    await api.finish_run(item, run, tmp_path / "d.parquet", 101)
    where = f"/api/runs/{run}/detections"
    seen, params = [], {"limit": "40"}
    while True:
        page = (await api.client.get(where, params=params)).json()
        seen += [one["ordinal"] for one in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert seen == list(range(101))
    first = (await api.client.get(where, params={"min_score": "0.9", "limit": "1"})).json()
    assert (first["total"], first["items"][0]["ordinal"]) == (11, 90)
    one = first["items"][0]
    corner = np.array(one["geometry"]["coordinates"][0]).min(axis=0)
    assert corner == pytest.approx([one["box"]["x"] - 4, one["box"]["y"] - 4])
    box = f"{one['box']['x'] - 1},{one['box']['y'] - 1},{one['box']['x'] + 1},{one['box']['y'] + 1}"
    inside = (await api.client.get(where, params={"bbox": box})).json()["items"]
    assert 90 in [found["ordinal"] for found in inside]
    assert all(abs(found["box"]["x"] - one["box"]["x"]) < 6 for found in inside)
    histogram = (await api.client.get(f"/api/runs/{run}/histogram", params={"bins": 10})).json()
    assert histogram["counts"] == [10] * 9 + [11]
    for bins in (10, 25, 100):
        kept = (await api.client.get(f"/api/runs/{run}/histogram", params={"bins": bins})).json()
        counted = (await api.client.get(f"/api/runs/{run}/histogram", params={"bins": bins, "min_size": 0})).json()
        assert (sum(kept["counts"]), kept) == (101, counted)
    uneven = (await api.client.get(f"/api/runs/{run}/histogram", params={"bins": 3})).json()
    assert (sum(uneven["counts"]), len(uneven["counts"])) == (101, 3)
    assert (histogram["labels"], histogram["running_point"]) == ({"tree": 101}, 0.5)


async def test_vector_tiles_of_a_scene_without_georeference(api: Appliance, tmp_path: Path) -> None:
    """A pixel is a metre of EPSG:3857, rows growing south: the scene lies right below the map's origin."""
    item, run = await _run(api, tmp_path)
    boxes = np.array([[100.0, 50.0, 40.0, 20.0], [500.0, 300.0, 10.0, 10.0]])
    polygons = shapely.box(boxes[:, 0] - 20, boxes[:, 1] - 10, boxes[:, 0] + 20, boxes[:, 1] + 10)
    samples.write_detections(tmp_path / "d.parquet", boxes, np.array([0.9, 0.3]), polygons)
    await api.finish_run(item, run, tmp_path / "d.parquet", 2)
    zoom = 15
    middle = 1 << (zoom - 1)
    side = 40_075_016.6855785 / (1 << zoom)
    address = f"/api/runs/{run}/tiles/{zoom}/{middle}/{middle}.mvt"
    answer = await api.client.get(address)
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    layer = mvt.read(answer.content)["detections"]
    first = layer.features[0]
    assert first.properties.pop("score") == pytest.approx(0.9)
    assert first.properties == {"ordinal": 0, "label": "tree", "truncated": False, "size": 40.0, "area": 800.0}
    points = np.array(first.points) / layer.extent * side
    assert points.min(axis=0) == pytest.approx([80, 40], abs=1)
    assert points.max(axis=0) == pytest.approx([120, 60], abs=1)
    assert len(layer.features) == 2
    some = mvt.read((await api.client.get(address, params={"min_score": 0.5})).content)
    assert [f.properties["ordinal"] for f in some["detections"].features] == [0]
    assert (await api.client.get(f"/api/runs/{run}/tiles/{zoom}/0/0.mvt")).content == b""
    again = await api.client.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    whole = mvt.read((await api.client.get(f"/api/runs/{run}/tiles/0/0/0.mvt")).content)["detections"]
    assert [feature.kind for feature in whole.features] == [1, 1], "shapes too small to draw are points"


async def test_vector_tiles_of_a_georeferenced_scene(api: Appliance, tmp_path: Path) -> None:
    item, run = await _run(api, tmp_path, crs="EPSG:32617")
    longitude, latitude = -81.99, 29.69
    polygon = shapely.box(longitude, latitude, longitude + 1e-4, latitude + 1e-4)
    samples.write_detections(tmp_path / "d.parquet", np.array([[10.0, 10, 4, 4]]), np.array([0.9]), np.array([polygon]))
    await api.finish_run(item, run, tmp_path / "d.parquet", 1)
    zoom = 18
    x = int((longitude + 180) / 360 * (1 << zoom))
    turned = np.radians(latitude)
    y = int((1 - np.arcsinh(np.tan(turned)) / np.pi) / 2 * (1 << zoom))
    found = [
        mvt.read((await api.client.get(f"/api/runs/{run}/tiles/{zoom}/{x}/{y + dy}.mvt")).content) for dy in (-1, 0)
    ]
    assert any("detections" in tile for tile in found)
    page = (await api.client.get(f"/api/runs/{run}/detections")).json()
    assert np.array(page["items"][0]["geometry"]["coordinates"][0]).min(axis=0) == pytest.approx([longitude, latitude])
    inside = await api.client.get(f"/api/runs/{run}/detections", params={"bbox": "-82,29,-81,30"})
    outside = await api.client.get(f"/api/runs/{run}/detections", params={"bbox": "0,0,1,1"})
    assert (inside.json()["total"], outside.json()["total"]) == (1, 0)


async def test_a_crowded_tile_says_so(api: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item, run = await _run(api, tmp_path)
    samples.pixel_detections(tmp_path / "d.parquet", 300)
    await api.finish_run(item, run, tmp_path / "d.parquet", 300)
    monkeypatch.setattr(api.services.vector_tiles, "_features", 100)
    layer = mvt.read((await api.client.get(f"/api/runs/{run}/tiles/0/0/0.mvt")).content)["detections"]
    assert len(layer.features) == 100
    assert all(feature.properties["truncated"] for feature in layer.features)
    assert min(feature.properties["score"] for feature in layer.features) > 0.66


async def test_evaluation_against_annotations(api: Appliance, tmp_path: Path) -> None:
    item, run = await _run(api, tmp_path)
    boxes = np.array([[50.0, 50, 20, 20], [150, 50, 20, 20], [300, 300, 20, 20]])
    samples.write_detections(
        tmp_path / "d.parquet", boxes, np.array([0.9, 0.6, 0.3]), shapely.box(*(boxes.T[:2]), 1, 1)
    )
    await api.finish_run(item, run, tmp_path / "d.parquet", 3)
    assert (await api.client.get(f"/api/runs/{run}/evaluation")).status_code == 404
    records = [
        {"item": "scene.tif", "label": "Tree", "box": {"x": x, "y": 52, "width": 20, "height": 20}} for x in (50, 400)
    ]
    body = {"source": "labels.csv", "records": records}
    imported = await api.client.post(f"/api/datasets/{DATASET}/annotations/import", json=body)
    assert imported.status_code == 200, imported.text
    found = (await api.client.get(f"/api/runs/{run}/evaluation")).json()
    point = {
        k: found["point"][k] for k in ("true_positives", "false_positives", "false_negatives", "precision", "recall")
    }
    assert point == {"true_positives": 1, "false_positives": 1, "false_negatives": 1, "precision": 0.5, "recall": 0.5}
    assert (found["overlap"], found["by_label"], found["annotations"], found["detections"]) == (0.4, True, 2, 3)
    strict = (await api.client.get(f"/api/runs/{run}/evaluation", params={"threshold": 0.8})).json()["point"]
    assert (strict["precision"], strict["recall"]) == (1.0, 0.5)


async def test_detections_go_with_their_run_and_no_others(api: Appliance, tmp_path: Path) -> None:
    item, run = await _run(api, tmp_path)
    other = await api.push_ready(samples.scene_info(crs=None), name="other.tif")
    kept = await api.start_run(other)
    samples.pixel_detections(tmp_path / "d.parquet", 10)
    for at, of in ((item, run), (other, kept)):
        await api.finish_run(at, of, tmp_path / "d.parquet", 10)
    assert (await api.client.delete(f"/api/items/{item}")).status_code == 204
    assert await api.sql("SELECT run_id, count(*) FROM detections GROUP BY run_id") == [(kept, 10)]
