"""`ingest`: a finished run's detections from the store into the database, until they are seen. No peer: a limit of its own.

Each count in an API process of its own, whose peak memory is exact (VmHWM). `visible` is the first vector tile with
detections in it, asked for once the run has succeeded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import UUID

import httpx

from appliance.standalone.services import own
from appliance.standalone.services.own import Surroundings
from benchmarks import forest, push, servers
from benchmarks.report import Comparison, compare
from benchmarks.sides.process import peak_megabytes

_LIMIT_SECONDS = 30.0
_CROWNS_SEEN = 1000


def run(quick: bool) -> Iterator[Comparison]:
    """1,000,000 within 30 s, with at most 1.1 times the memory of 250,000."""
    counts = (2_000, 8_000) if quick else (250_000, 1_000_000)
    with servers.surroundings() as (around, token):
        with servers.running(own.api(around)):
            item = push.ground(around, token)
        seconds, peaks = zip(*(_taken_in(around, token, item, count) for count in counts), strict=True)
    metric = f"{counts[1]} detections from the report until they are seen"
    yield compare("ingest", metric, [seconds[1]], ("the limit", [_LIMIT_SECONDS]), "lower", "s")
    metric = f"peak memory of the API, {counts[1]} detections"
    yield compare("ingest", metric, [peaks[1]], (f"ours at {counts[0]}", [peaks[0]]), "lower", "MB")


def _taken_in(around: Surroundings, token: str, item: UUID, count: int) -> tuple[float, float]:
    """Seconds, and the peak of the API process in 10^6 bytes."""
    with servers.temporary_folder() as folder:
        path = folder / "detections.parquet"
        forest.write(path, count)
        with servers.running(own.api(around)) as process:
            run_id, seconds = push.run(around, token, item, path, count)
            began = time.perf_counter()
            _see(around.url, token, run_id)
            return seconds + time.perf_counter() - began, peak_megabytes(process.pid)


def _see(url: str, token: str, run_id: UUID) -> None:
    """The tile in which the forest begins. Ends the benchmark when it shows nothing."""
    z, x, y = forest.tiles(_CROWNS_SEEN, 18)[0]
    answer = httpx.get(f"{url}/api/runs/{run_id}/tiles/{z}/{x}/{y}.mvt", headers={"Authorization": f"Bearer {token}"})
    if not answer.raise_for_status().content:
        raise SystemExit("the detections were taken in, but the tile shows none of them.")
