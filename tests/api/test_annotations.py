"""Annotations: imported once per source however often, placed on the map, frozen into snapshots of stable digest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pyproj
import pytest

from appliance.contracts import keys
from appliance.formats import snapshot
from tests.api import mvt, samples
from tests.api.appliance_under_test import DATASET, Appliance, ready


def _record(x: float, item: str = "scene.tif", **more: Any) -> dict[str, Any]:
    return {"item": item, "label": "tree", "box": {"x": x, "y": 100, "width": 20, "height": 10}, **more}


async def _import(api: Appliance, records: list[dict[str, Any]], source: str = "a.csv") -> httpx.Response:
    body = {"source": source, "records": records}
    return await api.client.post(f"/api/datasets/{DATASET}/annotations/import", json=body)


async def _listed(api: Appliance, item: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.client.get(f"/api/items/{item}/annotations")).json()["items"]
    return found


async def test_importing_twice_is_importing_once(api: Appliance) -> None:
    item = await api.push_ready()
    other = await api.push_ready(name="other.tif")
    records = [_record(50), _record(90), _record(10, "other.tif")]
    assert (await _import(api, records)).json() == {"items": 2, "imported": 3, "replaced": 0, "overruled": 0}
    assert (await _import(api, records)).json() == {"items": 2, "imported": 3, "replaced": 3, "overruled": 0}
    assert (len(await _listed(api, item)), len(await _listed(api, other))) == (2, 1)
    await _import(api, [_record(50)], source="b.csv")
    assert len(await _listed(api, item)) == 3
    await _import(api, [_record(51)])
    assert (len(await _listed(api, item)), len(await _listed(api, other))) == (2, 1)


async def test_an_unknown_item_refuses_the_whole_import(api: Appliance) -> None:
    item = await api.push_ready()
    answer = await _import(api, [_record(1), _record(2, "missing.tif")])
    assert (answer.status_code, answer.json()["code"]) == (422, "labels")
    assert "missing.tif" in answer.json()["detail"]
    assert await _listed(api, item) == []


async def test_annotations_lie_where_the_scene_does(api: Appliance) -> None:
    item = await api.push_ready()
    triangle = [[[40, 95], [60, 95], [50, 105]]]
    await _import(api, [_record(50, polygon=triangle)])
    (found,) = await _listed(api, item)
    west, north = samples.ORIGIN
    to_wgs84 = pyproj.Transformer.from_crs("EPSG:32617", "OGC:CRS84", always_xy=True)
    expected = [to_wgs84.transform(west + x, north - y) for x, y in triangle[0]]
    assert np.array(found["geometry"]["coordinates"][0][:3]) == pytest.approx(np.array(expected), abs=1e-7)
    assert (found["source"], found["created_by"]) == ("a.csv", "administrator")
    tile = await api.client.get(f"/api/items/{item}/annotations/tiles/0/0/0.mvt")
    (feature,) = mvt.read(tile.content)["annotations"].features
    assert (feature.properties["label"], feature.properties["id"]) == ("tree", found["id"])
    await _import(api, [])
    await _import(api, [_record(50), _record(90)])
    fresh = await api.client.get(
        f"/api/items/{item}/annotations/tiles/0/0/0.mvt", headers={"If-None-Match": tile.headers["etag"]}
    )
    assert fresh.status_code == 200
    assert len(mvt.read(fresh.content)["annotations"].features) == 2


async def test_a_full_tile_gives_counts_that_lose_nothing(api: Appliance) -> None:
    """As of detections (test_measures.py): every annotation in one tile only, by label; what people say apart."""
    item = await api.push_ready(samples.scene_info(crs=None))
    kinds = {"tree": 40, "tree/dead": 20, "car": 9}
    labels = [label for label, number in kinds.items() for _ in range(number)]
    records = [_record(0, label=label) | {"box": _box(at)} for at, label in enumerate(labels)]
    assert (await _import(api, records)).status_code == 200
    address = f"/api/items/{item}/annotations/tiles"
    few = await api.client.get(f"{address}/0/0/0.mvt", params={"counts_above": 69})
    assert list(mvt.read(few.content)) == ["annotations"]
    far = await api.client.get(f"{address}/0/0/0.mvt", params={"counts_above": 68})
    assert far.headers["etag"] != few.headers["etag"]
    assert _counted(far.content) == kinds
    zoom, middle = 17, 1 << 16
    tiles = [f"{address}/{zoom}/{middle + x}/{middle + y}.mvt" for x in range(3) for y in range(3)]
    near = [(await api.client.get(tile, params={"counts_above": 0})).content for tile in tiles]
    found: dict[str, int] = {}
    for content in filter(None, near):
        for kind, number in _counted(content).items():
            found[kind] = found.get(kind, 0) + number
    assert found == kinds
    assert sum(map(bool, near)) > 1, "over several tiles"

    (car, *_) = [one for one in await _listed(api, item) if one["label"] == "car"]
    change = {"revision": car["revision"], "label": "boat", "shape": "box", "geometry": car["geometry"]}
    assert (await api.client.put(f"/api/items/{item}/annotations/{car['id']}", json=change)).status_code == 200
    everybody = await api.client.get(f"{address}/0/0/0.mvt", params={"counts_above": 0})
    assert _counted(everybody.content) == {**kinds, "car": 8, "boat": 1}
    files = await api.client.get(f"{address}/0/0/0.mvt", params={"counts_above": 0, "people": False})
    assert _counted(files.content) == {**kinds, "car": 8}
    shapes = await api.client.get(f"{address}/0/0/0.mvt", params={"people": False})
    assert len(mvt.read(shapes.content)["annotations"].features) == 68
    wrong = await api.client.get(f"{address}/0/0/0.mvt", params={"counts_above": -1})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")


def _box(at: int) -> dict[str, float]:
    return {"x": 20 + at % 20 * 28, "y": 20 + at // 20 * 100, "width": 20, "height": 10}


def _counted(content: bytes) -> dict[str, int]:
    """The sum over all places, by label: an annotation is of the highest hundredth."""
    found: dict[str, int] = {}
    for feature in mvt.read(content)["counts"].features:
        assert feature.kind == 1
        for label, counts in json.loads(feature.properties["counts"]).items():
            assert list(counts) == ["99"]
            found[label] = found.get(label, 0) + counts["99"]
    return found


async def test_annotations_imported_before_the_scene_is_ready_are_placed_then(api: Appliance) -> None:
    item = await api.push()
    await _import(api, [_record(50)])
    assert (await _listed(api, item))[0]["geometry"] == {}
    await api.report(ready(item, samples.scene_info(crs=None), f"sha256:{'a' * 64}"))
    ring = np.array((await _listed(api, item))[0]["geometry"]["coordinates"][0])
    assert ring.min(axis=0).tolist() == [40, 95]
    assert ring.max(axis=0).tolist() == [60, 105]


async def _snapshot(api: Appliance, **body: Any) -> httpx.Response:
    return await api.client.post(f"/api/datasets/{DATASET}/snapshots", json=body)


async def test_two_snapshots_of_the_same_content_are_one(api: Appliance) -> None:
    for name in ("a.tif", "b.tif"):
        await api.push_ready(name=name)
    await _import(api, [_record(50, "a.tif"), _record(90, "a.tif", attributes={"b": 1, "a": 2}), _record(10, "b.tif")])
    first = await _snapshot(api)
    assert first.status_code == 201, first.text
    await _import(api, [_record(10, "b.tif"), _record(90, "a.tif", attributes={"a": 2, "b": 1}), _record(50, "a.tif")])
    second = await _snapshot(api, items=[{"name": "b.tif"}, {"name": "a.tif"}])
    assert second.json() == first.json()
    listed = (await api.client.get(f"/api/datasets/{DATASET}/snapshots")).json()["items"]
    assert [one["digest"] for one in listed] == [first.json()["digest"]]
    await _import(api, [_record(51, "a.tif")])
    assert (await _snapshot(api)).json()["digest"] != first.json()["digest"]


async def test_a_snapshot_can_be_fetched_and_verified(api: Appliance, tmp_path: Path) -> None:
    item = await api.push_ready()
    api.store.put_bytes(keys.scene(item), b"the scene", "image/tiff")
    await _import(api, [_record(50), _record(500)])
    window = {"x": 0, "y": 0, "width": 300, "height": 400}
    made = (await _snapshot(api, items=[{"name": "scene.tif", "windows": [window]}])).json()
    assert (made["manifest"]["annotations"], made["manifest"]["labels"]) == (1, ["tree"])
    found = (await api.client.get(f"/api/snapshots/{made['digest']}")).json()
    for file in found["files"]:
        path = tmp_path / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((await api.outside.get(file["url"])).content)
    read = snapshot.read(tmp_path, made["digest"])
    assert [a.box.x for a in read.annotations()] == [50]
    assert read.scene_path(item).read_bytes() == b"the scene"


async def test_a_snapshot_of_nothing_or_of_the_unready_is_refused(api: Appliance) -> None:
    await api.client.post("/api/datasets", json={"name": DATASET})
    assert (await _snapshot(api)).json()["code"] == "empty"
    await api.push(name="early.tif")
    assert (await _snapshot(api, items=[{"name": "early.tif"}])).status_code == 409
    assert (await _snapshot(api, items=[{"name": "no.tif"}])).status_code == 404
    await api.push_ready()
    outside = {"name": "scene.tif", "windows": [{"x": 500, "y": 0, "width": 101, "height": 1}]}
    assert (await _snapshot(api, items=[outside])).status_code == 422
