"""`vectors`: detections as vector tiles over HTTP, against bare `ST_AsMVT` asked through psycopg: the same rows, the same
database, the same attributes.

The detections go in through the appliance's own ingest. The bare side knows neither who asks nor how many a tile may hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from uuid import UUID

import numpy as np
import psycopg

from appliance.standalone.services import own
from benchmarks import forest, load, push, servers
from benchmarks.report import Comparison, compare, interleave

_ZOOMS = (14, 15, 16)
_TILES = 40
"""Of each zoom, where the forest has as many."""

_BARE = """
WITH drawn AS (
    SELECT ordinal, label, score, area_square_metres AS area,
        ST_AsMVTGeom(map_geometry, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 128, true) AS shape
    FROM detections
    WHERE run_id = %(run)s AND map_geometry && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.03125)
)
SELECT ST_AsMVT(drawn, 'detections', 4096, 'shape', 'ordinal') FROM drawn
"""
_PEER = "bare ST_AsMVT through psycopg"

Tiles = list[tuple[int, int, int]]
Latencies = dict[int, list[float]]


def run(quick: bool) -> Iterator[Comparison]:
    """The 95th percentile over tiles of zooms 14 to 16 is at most 1.2 times the bare one."""
    count = 4_000 if quick else 5_000_000
    random = np.random.default_rng(7)
    chosen = {zoom: _some(random, forest.tiles(count, zoom), 4 if quick else _TILES) for zoom in _ZOOMS}
    with servers.surroundings() as (around, token), servers.running(own.api(around)):
        with servers.temporary_folder() as folder:
            forest.write(folder / "detections.parquet", count)
            run_id, _ = push.run(around, token, push.ground(around, token), folder / "detections.parquet", count)
        sides: dict[str, Callable[[], Latencies]] = {
            "ours": lambda: _ours(around.url, token, run_id, chosen),
            "bare": lambda: _bare(around.database_url, run_id, chosen),
        }
        interleave(1, **sides)  # what both read is then in memory
        results = interleave(1 if quick else 5, **sides)
    for zooms in (_ZOOMS, *((zoom,) for zoom in _ZOOMS)):
        ours, bare = ([_percentile(one, zooms) for one in results[side]] for side in ("ours", "bare"))
        name = f"zoom {zooms[0]}" if len(zooms) == 1 else f"zooms {zooms[0]} to {zooms[-1]}"
        yield compare("vectors", f"95th percentile, {name}, {count} detections", ours, (_PEER, bare), "lower", "ms")


def _some(random: np.random.Generator, tiles: Tiles, number: int) -> Tiles:
    return [tiles[place] for place in random.permutation(len(tiles))[:number]]


def _percentile(latencies: Latencies, zooms: tuple[int, ...]) -> float:
    return float(np.percentile(np.concatenate([latencies[zoom] for zoom in zooms]), 95) * 1e3)


def _ours(url: str, token: str, run_id: UUID, chosen: dict[int, Tiles]) -> Latencies:
    headers = {"Authorization": f"Bearer {token}"}
    return {
        zoom: load.ask(url, [f"/api/runs/{run_id}/tiles/{z}/{x}/{y}.mvt" for z, x, y in tiles], headers, 1).latencies
        for zoom, tiles in chosen.items()
    }


def _bare(database_url: str, run_id: UUID, chosen: dict[int, Tiles]) -> Latencies:
    latencies: Latencies = {zoom: [] for zoom in chosen}
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        for zoom, tiles in chosen.items():
            for z, x, y in tiles:
                began = time.perf_counter()
                row = connection.execute(_BARE, {"z": z, "x": x, "y": y, "run": run_id}, binary=True).fetchone()
                latencies[zoom].append(time.perf_counter() - began)
                assert row is not None
                if not row[0]:
                    raise SystemExit(f"the tile {z}/{x}/{y} holds nothing.")
    return latencies
