"""`tiles`: scenes as map tiles, ours against TiTiler: the same COG in the same store, the same tiles, one process each.

Every tile is asked for once, in the order in which people look at maps: screens of neighbours, at random places and zooms.
The servers are new for each round and each format, so that none has seen the scene.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import numpy as np
import psutil

from appliance.contracts import keys
from appliance.standalone.ports import free_ports
from appliance.standalone.service import Service
from appliance.standalone.services import own
from appliance.standalone.services.own import Surroundings
from benchmarks import load, push, servers
from benchmarks.environment import peers_python
from benchmarks.report import Comparison, compare, interleave
from benchmarks.scenes import map_bounds, scene, sixteen_bit

_CONNECTIONS = 4
_WARM_UP = 16
_SCREEN = (4, 3)
_WORLD_METRES = 2 * 20_037_508.342_789_244
_PEER = "TiTiler"
_STRETCH = "0,4080"


@dataclass(frozen=True)
class Style:
    """`options` are what is asked beside the tile; both sides call it the same."""

    name: str
    extension: str
    deep: bool = False
    options: str = ""


STYLES = (
    Style("PNG", "png"),
    Style("JPEG", "jpg"),
    Style("WebP", "webp"),
    Style("PNG of 16 bits, stretched", "png", deep=True, options=f"rescale={_STRETCH}"),
)


@dataclass(frozen=True)
class Measured:
    """Every tile asked for once, once more, and with its ETag; of the first, the server's processor time for a tile."""

    first: load.Load
    milliseconds: float
    again: load.Load
    known: load.Load


@dataclass(frozen=True)
class Bench:
    """Scenes that lie in the store, and the tiles of them that are asked for."""

    around: Surroundings
    token: str = field(repr=False)
    items: dict[bool, UUID]
    tiles: list[tuple[int, int, int]]

    def ours(self, styles: Sequence[Style]) -> dict[str, Measured]:
        """From a server that has seen nothing: all tiles once, all once more, and all with their ETag."""
        headers = {"Authorization": f"Bearer {self.token}"}
        found = {}
        with servers.running(own.api(self.around)) as process:
            for style in styles:
                self._warm_up(
                    self.around.url, [self._path(not style.deep, style, tile) for tile in self.tiles], headers
                )
                paths = [self._path(style.deep, style, tile) for tile in self.tiles]
                first, spent = self._ask(process.pid, self.around.url, paths, headers)
                again = load.ask(self.around.url, paths, headers, _CONNECTIONS)
                tag = httpx.get(self.around.url + paths[0], headers=headers, timeout=60).headers["etag"]
                known = load.ask(
                    self.around.url, paths, {**headers, "If-None-Match": tag}, _CONNECTIONS, statuses=frozenset({304})
                )
                found[style.name] = Measured(first, spent, again, known)
        return found

    def titiler(self, styles: Sequence[Style]) -> dict[str, Measured]:
        """The same. It knows no ETag."""
        service = _titiler(self.around)
        url = f"http://127.0.0.1:{service.ports[0]}"
        found = {}
        with servers.running(service) as process:
            for style in styles:
                self._warm_up(url, [self._titiler_path(not style.deep, style, tile) for tile in self.tiles], {})
                paths = [self._titiler_path(style.deep, style, tile) for tile in self.tiles]
                first, spent = self._ask(process.pid, url, paths, {})
                again = load.ask(url, paths, {}, _CONNECTIONS)
                found[style.name] = Measured(first, spent, again, again)
        return found

    def _path(self, deep: bool, style: Style, tile: tuple[int, int, int]) -> str:
        z, x, y = tile
        return f"/api/items/{self.items[deep]}/tiles/{z}/{x}/{y}.{style.extension}?{style.options}"

    def _titiler_path(self, deep: bool, style: Style, tile: tuple[int, int, int]) -> str:
        z, x, y = tile
        extension = "jpeg" if style.extension == "jpg" else style.extension
        where = f"/tiles/WebMercatorQuad/{z}/{x}/{y}.{extension}"
        return f"{where}?url=/vsis3/{self.around.store.bucket}/{keys.scene(self.items[deep])}&{style.options}"

    @staticmethod
    def _warm_up(url: str, paths: list[str], headers: dict[str, str]) -> None:
        """A few tiles of the other scene: what is measured has not been read, but all that is loaded once is loaded."""
        load.ask(url, paths[:_WARM_UP], headers, _CONNECTIONS)

    @staticmethod
    def _ask(pid: int, url: str, paths: list[str], headers: dict[str, str]) -> tuple[load.Load, float]:
        before = _processor_seconds(pid)
        found = load.ask(url, paths, headers, _CONNECTIONS)
        return found, (_processor_seconds(pid) - before) * 1e3 / len(paths)


def run(quick: bool, style: str | None = None) -> Iterator[Comparison]:
    """At least 1.5 times TiTiler's requests per second (the goal is 3), the 95th percentile no worse."""
    side = 1500 if quick else 6000
    wanted = [one for one in STYLES if style in {None, one.name}]
    if not wanted:
        raise SystemExit(f"There is no style {style}: {', '.join(one.name for one in STYLES)}.")
    with _prepared(side, tiles=12 if quick else 480) as bench:
        for styles in (wanted,) if quick else [(one,) for one in wanted]:
            results = interleave(
                1 if quick else 3,
                ours=lambda styles=styles: bench.ours(styles),  # type: ignore[misc]
                titiler=lambda styles=styles: bench.titiler(styles),  # type: ignore[misc]
            )
            for one in styles:
                ours, titiler = ([round_[one.name] for round_ in results[name]] for name in ("ours", "titiler"))
                yield from _compared(one, ours, titiler)


def _compared(style: Style, ours: list[Measured], titiler: list[Measured]) -> Iterator[Comparison]:
    def line(metric: str, figure: Callable[[Measured], float], better: str, unit: str) -> Comparison:
        peer = (_PEER, [figure(one) for one in titiler])
        return compare("tiles", f"{style.name}: {metric}", [figure(one) for one in ours], peer, better, unit)

    yield line("requests per second", lambda one: one.first.requests_per_second, "higher", "1/s")
    yield line("95th percentile", lambda one: one.first.percentile_milliseconds(95), "lower", "ms")
    yield line("processor time of the server for a tile", lambda one: one.milliseconds, "lower", "ms")
    if style is STYLES[0]:
        yield line("asked for again, requests per second", lambda one: one.again.requests_per_second, "higher", "1/s")
        yield line("asked for with their ETag", lambda one: one.known.requests_per_second, "higher", "1/s")


def _processor_seconds(pid: int) -> float:
    """Of the process and all it started."""
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


@contextmanager
def _prepared(side: int, tiles: int) -> Iterator[Bench]:
    """Both scenes through the appliance's own upload and media worker."""
    scenes = {False: scene(side), True: sixteen_bit(side)}
    with servers.surroundings() as (around, token):
        worker = own.worker(around, "media", "appliance.media.worker", {"VEDETTE_WORK_THREADS": "2"})
        with servers.running(own.api(around)), servers.running(worker):
            items = {deep: push.scene(around.url, token, path) for deep, path in scenes.items()}
        yield Bench(around, token, items, screens(map_bounds(scenes[False]), tiles))


def screens(bounds: tuple[float, float, float, float], count: int, seed: int = 11) -> list[tuple[int, int, int]]:
    """`count` different tiles (z, x, y) that show the scene with these EPSG:3857 bounds, as people pan and zoom.

    From the zoom at which the scene is about a screen wide to one beyond its own resolution of 0.1 m.
    """
    random = np.random.default_rng(seed)
    west, south, east, north = bounds
    first = int(np.floor(np.log2(_WORLD_METRES / (east - west) * _SCREEN[0])))
    zooms = list(range(first, 22))
    chosen: dict[tuple[int, int, int], None] = {}
    while len(chosen) < count:
        zoom = int(random.choice(zooms))
        metres = _WORLD_METRES / (1 << zoom)
        x = int((random.uniform(west, east) + _WORLD_METRES / 2) / metres)
        y = int((_WORLD_METRES / 2 - random.uniform(south, north)) / metres)
        for across in range(_SCREEN[0]):
            for down in range(_SCREEN[1]):
                left, top = (x + across) * metres - _WORLD_METRES / 2, _WORLD_METRES / 2 - (y + down) * metres
                if west < left + metres / 2 < east and south < top - metres / 2 < north:
                    chosen[(zoom, x + across, y + down)] = None
    return list(chosen)[:count]


def _titiler(around: Surroundings) -> Service:
    port = free_ports(1)[0]
    store = around.store

    def ready(_: int) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    return Service(
        name="titiler",
        command=(str(peers_python()), str(Path(__file__).parent / "peers" / "titiler_serve.py"), "--port", str(port)),
        folder=around.work,
        environment={
            "HOME": os.environ.get("HOME", "/"),
            "AWS_S3_ENDPOINT": store.endpoint.partition("://")[2],
            "AWS_HTTPS": "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
            "AWS_REGION": store.region,
            "AWS_ACCESS_KEY_ID": store.access_key.get_secret_value(),
            "AWS_SECRET_ACCESS_KEY": store.secret_key.get_secret_value(),
        },
        ready=ready,
        ports=(port,),
    )
