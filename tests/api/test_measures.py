"""Detections by size and area, and counts of them where a tile holds very many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import shapely

from tests.api import mvt, samples
from tests.api.appliance_under_test import Appliance

COUNT = 600


@pytest.fixture
async def run(api: Appliance, tmp_path: Path) -> UUID:
    """600 squares with sides of 1 to 6 pixels, of rising score, without georeference."""
    await api.apply_detector(tmp_path / "package")
    item = await api.push_ready(samples.scene_info(crs=None))
    run = await api.start_run(item)
    random = np.random.default_rng(5)
    x, y = random.uniform(10, samples.WIDTH - 10, COUNT), random.uniform(10, samples.HEIGHT - 10, COUNT)
    side = np.arange(COUNT) % 6 + 1.0
    boxes = np.column_stack((x, y, side, side))
    polygons = shapely.box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    samples.write_detections(tmp_path / "d.parquet", boxes, np.arange(COUNT) / COUNT, polygons)
    await api.finish_run(item, run, tmp_path / "d.parquet", COUNT)
    return run


async def _total(api: Appliance, run: UUID, **query: float) -> int:
    answer = (await api.client.get(f"/api/runs/{run}/detections", params={"limit": 1, **query})).json()
    histogram = (await api.client.get(f"/api/runs/{run}/histogram", params=query)).json()
    assert histogram["total"] == answer["total"]
    total: int = answer["total"]
    return total


async def test_size_and_area_bound_what_is_found(api: Appliance, run: UUID) -> None:
    assert await _total(api, run) == COUNT
    assert await _total(api, run, min_size=3) == COUNT * 4 // 6
    assert await _total(api, run, max_size=2.9) == COUNT * 2 // 6
    assert await _total(api, run, min_area=15.9, max_area=25.1) == COUNT * 2 // 6
    assert await _total(api, run, min_size=3, max_area=9.1) == COUNT // 6
    refused = await api.client.get(f"/api/runs/{run}/histogram", params={"min_size": "nan"})
    assert refused.status_code == 422


def _counted(content: bytes) -> dict[str, Any]:
    """The sum over all places: label -> hundredth of the score -> how many."""
    layer = mvt.read(content)["counts"]
    assert all(feature.kind == 1 for feature in layer.features)
    found: dict[str, dict[str, int]] = {}
    for feature in layer.features:
        for label, counts in json.loads(feature.properties["counts"]).items():
            for hundredth, number in counts.items():
                own = found.setdefault(label, {})
                own[hundredth] = own.get(hundredth, 0) + number
    return found


async def test_a_full_tile_gives_counts_that_lose_nothing(api: Appliance, run: UUID) -> None:
    address = f"/api/runs/{run}/tiles"
    histogram = (await api.client.get(f"/api/runs/{run}/histogram")).json()
    expected = {str(index): number for index, number in enumerate(histogram["counts"]) if number}
    far = await api.client.get(f"{address}/0/0/0.mvt", params={"counts_above": COUNT - 1})
    assert _counted(far.content) == {"tree": expected}
    # Near, over several tiles: each is counted in one of them.
    zoom, middle = 17, 1 << 16
    near: dict[str, int] = {}
    for x in range(2):
        for y in range(2):
            tile = await api.client.get(f"{address}/{zoom}/{middle + x}/{middle + y}.mvt", params={"counts_above": 1})
            if tile.content:
                for hundredth, number in _counted(tile.content)["tree"].items():
                    near[hundredth] = near.get(hundredth, 0) + number
    assert near == expected
    some = await api.client.get(f"{address}/0/0/0.mvt", params={"counts_above": 1, "min_size": 3})
    assert sum(_counted(some.content)["tree"].values()) == COUNT * 4 // 6
    assert some.headers["etag"] != far.headers["etag"]
    few = await api.client.get(f"{address}/0/0/0.mvt", params={"counts_above": COUNT})
    assert list(mvt.read(few.content)) == ["detections"]
