"""One annotation at a time: accepted, rejected, drawn, changed, deleted, restored; and what bad input gets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx
import pytest

from tests.api import mvt, samples
from tests.api.appliance_under_test import DATASET, Appliance
from tests.api.samples import scene_info


@pytest.fixture
async def item(api: Appliance) -> UUID:
    """Without georeference: geometries are in pixels."""
    return await api.push_ready(scene_info(crs=None))


def box(x: float, y: float = 100, size: float = 20) -> dict[str, Any]:
    half = size / 2
    ring = [[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]]
    return {"shape": "box", "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}}


def polygon(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"shape": "polygon", "geometry": {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}}


async def put(api: Appliance, item: UUID, annotation: UUID, revision: int = 0, **body: Any) -> httpx.Response:
    return await api.client.put(f"/api/items/{item}/annotations/{annotation}", json={"revision": revision, **body})


async def listed(api: Appliance, item: UUID, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.client.get(f"/api/items/{item}/annotations", params=query)).json()["items"]
    return found


async def events(api: Appliance) -> list[tuple[Any, ...]]:
    return await api.sql("SELECT body FROM outbox WHERE subject = 'events.annotations.changed' ORDER BY id")


async def finished_run(api: Appliance, item: UUID, folder: Path) -> UUID:
    await api.apply_detector(folder / "package")
    run = await api.start_run(item)
    samples.pixel_detections(folder / "found.parquet", 20)
    assert (await api.finish_run(item, run, folder / "found.parquet", 20))["state"] == "succeeded"
    return run


async def test_a_detection_is_accepted_then_rejected_and_stays_known(
    api: Appliance, item: UUID, tmp_path: Path
) -> None:
    run = await finished_run(api, item, tmp_path)
    seen = (await api.client.get(f"/api/runs/{run}/detections/7")).json()
    assert seen == (await api.client.get(f"/api/runs/{run}/detections")).json()["items"][7]
    assert (await api.client.get(f"/api/runs/{run}/detections/20")).status_code == 404
    name, origin = uuid5(run, "7"), {"run_id": str(run), "ordinal": 7}
    made = await put(api, item, name, origin=origin)
    assert made.status_code == 201, made.text
    accepted = made.json()
    assert (accepted["label"], accepted["box"], accepted["polygon"]) == ("tree", seen["box"], None)
    assert (accepted["origin"], accepted["source"], accepted["revision"]) == (origin, "people", 1)
    assert accepted["created_by"] == "administrator"
    again = await put(api, item, name, origin=origin)
    assert (again.status_code, again.json()) == (200, accepted)

    rejected = (await put(api, item, name, 1, verdict="rejected", origin=origin)).json()
    assert (rejected["verdict"], rejected["revision"], rejected["changed_by"]) == ("rejected", 2, "administrator")
    assert await listed(api, item) == []
    assert await listed(api, item, verdict="rejected") == [rejected]
    tile = await api.client.get(f"/api/items/{item}/annotations/tiles/0/0/0.mvt")
    assert tile.content == b""
    assert (await api.client.post(f"/api/datasets/{DATASET}/snapshots", json={})).json()["manifest"]["annotations"] == 0
    assert len(await events(api)) == 2

    other = await put(api, item, uuid4(), origin=origin)
    assert (other.status_code, other.json()["code"]) == (422, "invalid")
    assert str(name) in other.json()["detail"]


async def test_a_drawn_shape_is_changed_deleted_and_restored(api: Appliance, item: UUID) -> None:
    name = uuid4()
    first = (await put(api, item, name, label=" tree/crown ", **box(50))).json()
    assert (first["label"], first["box"]["x"], first["box"]["width"]) == ("tree/crown", 50, 20)
    before = await api.client.get(f"/api/items/{item}/annotations/tiles/0/0/0.mvt")
    corners = ((40.0, 90.0), (60.0, 95.0), (50.0, 110.0))
    second = (await put(api, item, name, 1, label="tree", **polygon(*corners))).json()
    assert second["polygon"] == [[list(corner) for corner in corners]]
    assert second["box"] == {"x": 50, "y": 100, "width": 20, "height": 20, "angle_degrees": 0}
    tile = await api.client.get(
        f"/api/items/{item}/annotations/tiles/0/0/0.mvt", headers={"If-None-Match": before.headers["etag"]}
    )
    (feature,) = mvt.read(tile.content)["annotations"].features
    assert (feature.properties["id"], feature.properties["source"]) == (str(name), "people")

    where = f"/api/items/{item}/annotations/{name}"
    gone = await api.client.delete(where, params={"revision": 2})
    assert (gone.status_code, gone.json()["deleted"], gone.json()["revision"]) == (200, True, 3)
    assert (await api.client.delete(where, params={"revision": 2})).json() == gone.json()
    assert await listed(api, item, verdict="any") == []
    assert (await api.client.get(where)).json()["deleted"]
    back = await put(api, item, name, 3, label="tree", **polygon(*corners))
    assert (back.status_code, back.json()["revision"], back.json()["deleted"]) == (200, 4, False)
    assert [one["polygon"] for one in await listed(api, item)] == [second["polygon"]]


async def test_a_shape_on_the_ground_lies_in_its_pixels(api: Appliance, tmp_path: Path) -> None:
    placed = await api.push_ready()
    made = (await put(api, placed, uuid4(), label="tree", **await _on_the_ground(api, placed))).json()
    assert made["box"] == pytest.approx({"x": 300, "y": 200, "width": 40, "height": 20, "angle_degrees": 0}, abs=1e-3)


async def _on_the_ground(api: Appliance, item: UUID) -> dict[str, Any]:
    """The geometry of an imported box, as a page would send it again."""
    record = {"item": "scene.tif", "label": "t", "box": {"x": 300, "y": 200, "width": 40, "height": 20}}
    await api.client.post(f"/api/datasets/{DATASET}/annotations/import", json={"source": "a.csv", "records": [record]})
    (found,) = await listed(api, item)
    return {"shape": "box", "geometry": found["geometry"]}


async def test_the_slower_of_two_is_told_the_present_state(api: Appliance, item: UUID) -> None:
    name = uuid4()
    await put(api, item, name, label="tree", **box(50))
    answers = await asyncio.gather(*(put(api, item, name, 1, label="tree", **box(x)) for x in (60, 70)))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (200, 409)
    problem = lost.json()
    assert (problem["code"], problem["present"]) == ("conflict", won.json())
    assert problem["detail"] == "administrator has changed this annotation."
    assert (await api.client.delete(f"/api/items/{item}/annotations/{name}?revision=1")).json()["present"] == won.json()
    assert len(await events(api)) == 2
    never = await put(api, item, uuid4(), 3, label="tree", **box(50))
    assert (never.status_code, never.json()["present"]) == (409, None)


async def test_many_at_once_make_one(api: Appliance, item: UUID) -> None:
    name = uuid4()
    answers = await asyncio.gather(*(put(api, item, name, label="tree", **box(50)) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert (len(await listed(api, item)), len(await events(api))) == (1, 1)


async def test_an_import_takes_nothing_from_people(api: Appliance, item: UUID) -> None:
    records = [
        {"item": "scene.tif", "label": "tree", "box": {"x": x, "y": 50, "width": 9, "height": 9}} for x in (50, 90, 130)
    ]

    async def bring_in(source: str = "a.csv") -> httpx.Response:
        body = {"source": source, "records": records}
        return await api.client.post(f"/api/datasets/{DATASET}/annotations/import", json=body)

    await bring_in()
    await put(api, item, uuid4(), label="mine", **box(300))
    by_x = {one["box"]["x"]: one for one in await listed(api, item)}
    moved = await put(api, item, UUID(by_x[50]["id"]), 1, label="tree", **box(55))
    assert (moved.json()["source"], moved.json()["revision"]) == ("people", 2)
    await api.client.delete(f"/api/items/{item}/annotations/{by_x[90]['id']}?revision=1")
    assert (await bring_in()).json() == {"items": 1, "imported": 1, "replaced": 1, "overruled": 2}
    assert sorted(one["box"]["x"] for one in await listed(api, item)) == [55, 130, 300]
    refused = await bring_in("people")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


HOSTILE: dict[str, dict[str, Any]] = {
    "no corners": {"geometry": {"type": "Polygon", "coordinates": []}},
    "two corners": polygon((1, 1), (9, 9)),
    "crossing": polygon((10, 10), (50, 50), (50, 10), (10, 50)),
    "no area": polygon((10, 10), (50, 10), (30, 10)),
    "outside": box(5000),
    "mostly outside": box(610, size=60),
    "far away": box(1e12),
    "a box of five": {**polygon((1, 1), (9, 1), (12, 5), (9, 9), (1, 9)), "shape": "box"},
    "script": {"label": "<script>alert(1)</script>", **box(50)},
    "control characters": {"label": "tree\u202egnp", **box(50)},
    "blank": {"label": "   ", **box(50)},
    "long": {"label": "x" * 300, **box(50)},
    "no geometry": {},
    "no such run": {"origin": {"run_id": str(uuid4()), "ordinal": 1}},
    "a point": {"geometry": {"type": "Point", "coordinates": [1, 2]}},
    "unknown field": {"owner": "me", **box(50)},
}


async def test_what_is_no_annotation_is_refused(api: Appliance, item: UUID) -> None:
    for name, body in HOSTILE.items():
        answer = await put(api, item, uuid4(), **{"label": "tree", **body})
        assert answer.status_code == (404 if name == "no such run" else 422), (name, answer.text)
        assert answer.json()["detail"].endswith("."), name
        assert "<script" not in answer.text
    assert await listed(api, item, verdict="any") == []
    assert await events(api) == []


async def test_a_million_corners_and_no_numbers_are_refused_at_once(api: Appliance, item: UUID) -> None:
    where = f"/api/items/{item}/annotations/{uuid4()}"
    many = await put(api, item, uuid4(), label="tree", **polygon(*((float(i % 600), 1.0) for i in range(1_000_000))))
    assert (many.status_code, many.json()["detail"]) == (422, "The polygon has more than 10,000 corners.")
    for bad in ("NaN", "Infinity", "1e999", "null", '"1"'):
        body = json.dumps({"revision": 0, "label": "tree", **box(50)}).replace("40.0", bad, 1)
        answer = await api.client.put(where, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422 if bad != '"1"' else answer.status_code in {201, 422}, (bad, answer.text)
    assert (await api.stranger.put(where, json={"revision": 0})).status_code == 401


async def test_what_belongs_elsewhere_or_is_not_ready_is_refused(api: Appliance, item: UUID) -> None:
    name = uuid4()
    await put(api, item, name, label="tree", **box(50))
    other = await api.push_ready(scene_info(crs=None), name="other.tif")
    assert (await put(api, other, name, 1, label="tree", **box(50))).status_code == 404
    assert (await api.client.delete(f"/api/items/{other}/annotations/{name}?revision=1")).status_code == 404
    early = await api.push(name="early.tif")
    assert (await put(api, early, uuid4(), label="tree", **box(50))).status_code == 409
    assert (await put(api, uuid4(), uuid4(), label="tree", **box(50))).status_code == 404


async def test_the_histogram_counts_each_label(api: Appliance, item: UUID, tmp_path: Path) -> None:
    run = await finished_run(api, item, tmp_path)
    found = (await api.client.get(f"/api/runs/{run}/histogram")).json()
    assert found["counts_by_label"] == {"tree": found["counts"]}
    assert sum(found["counts"]) == found["total"] == found["labels"]["tree"] == 20
