"""Some tiles of a snapshot, spread over all of it, as the model gets them in a run. Called by optimise.py.

They come through the reader and feeder of a run: same bands, resampling, stretch and layout. Only tiles that lie wholly
inside the snapshot's windows are taken: what lies beyond may belong to another snapshot.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.contracts.snapshot import PixelWindow, SnapshotItem
from appliance.formats.snapshot import Snapshot
from appliance.inference import plan, strips
from appliance.inference.backends.base import blank
from appliance.inference.channel import Channel, Stop
from appliance.inference.feeder import BandEnd, Batch, Feeder
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.plan import Plan
from appliance.inference.reader import StripReader, layout_of, strip_type
from appliance.inference.scene import Scene, open_scene
from appliance.vision.grid import Tile

T = TypeVar("T")
_DECODED_BYTES = 64 << 20
_MOST_ITEMS = 64


@dataclass(frozen=True)
class _Part:
    """The tiles of one item that lie inside the snapshot."""

    scene: Scene
    planned: Plan
    tiles: list[Tile]


def read(held: Snapshot, manifest: Manifest, most: int, cancelled: Callable[[], bool] = lambda: False) -> NDArray[Any]:
    """At most `most` tiles in the manifest's layout and dtype, (n, tile, tile, bands) or (n, bands, tile, tile); the
    same for the same snapshot.

    Raises VedetteError(EMPTY) when no tile lies inside or none holds data, CANCELLED, and whatever a scene is refused
    with (BANDS, GSD, NOT_FOUND and so on).
    """
    parts = [_part(held, item, manifest) for item in _spread(held.manifest.items, _MOST_ITEMS)]
    chosen = _spread([(number, tile) for number, part in enumerate(parts) for tile in part.tiles], most)
    found: list[NDArray[Any]] = []
    for number, part in enumerate(parts):
        if cancelled():
            raise VedetteError(Code.CANCELLED, "Interrupted.", "Run the same command again.")
        wanted = {tile for each, tile in chosen if each == number}
        found.extend(_cut(part, manifest, wanted))
    if not found:
        raise VedetteError(
            Code.EMPTY,
            f"No tile of {manifest.input.tile_size} pixels with data lies inside the windows of {held.folder}.",
            "Name a snapshot with larger windows.",
        )
    return np.stack(found)


def _part(held: Snapshot, item: SnapshotItem, manifest: Manifest) -> _Part:
    scene = open_scene(SceneSource(str(held.scene_path(item.item_id)), item.name), manifest)
    layout = layout_of(scene, strip_type(scene, manifest.input))
    strips.check(layout, item.name)
    planned = plan.make(scene, manifest, PredictOptions(), layout)
    every = (planned.tile(number) for number in range(len(planned.grid)))
    return _Part(scene, planned, [tile for tile in every if _inside(tile, scene, manifest, item.windows)])


def _inside(tile: Tile, scene: Scene, manifest: Manifest, windows: list[PixelWindow]) -> bool:
    across, down = scene.to_full
    side = manifest.input.tile_size
    right, bottom = min(tile.x + side, scene.work_width) * across, min(tile.y + side, scene.work_height) * down
    return not windows or any(
        w.x <= tile.x * across and w.y <= tile.y * down and right <= w.x + w.width and bottom <= w.y + w.height
        for w in windows
    )


def _cut(part: _Part, manifest: Manifest, wanted: set[Tile]) -> Iterator[NDArray[Any]]:
    """The wanted tiles, less those without data. One buffer a tile, so that the feeder never waits for one."""
    if not wanted:
        return
    stop = Stop()
    free: Channel[NDArray[Any]] = Channel(len(wanted) + 1, stop)
    fed: Channel[Batch | BandEnd | None] = Channel(len(wanted) + len(part.planned.bands) + 1, stop)
    for _ in range(len(wanted) + 1):
        free.put(blank(manifest.input, 1))
    scene, dtype = part.scene, strip_type(part.scene, manifest.input)
    held = plan.held_strips(scene, layout_of(scene, dtype), manifest.input.tile_size)
    feeder = Feeder(scene, manifest.input, part.planned, wanted.__contains__, held)
    with StripReader(scene, dtype, os.cpu_count() or 1, _DECODED_BYTES) as reader:
        feeder.feed(reader, 0, free, fed)
    while (message := fed.get()) is not None:
        if isinstance(message, Batch):
            yield message.pixels[0]


def _spread(things: list[T], most: int) -> list[T]:
    """At most `most` of them, evenly from first to last."""
    if len(things) <= most:
        return things
    return [things[index * len(things) // most] for index in range(most)]
