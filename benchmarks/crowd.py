"""Crowded seams: what overlapping tiles report of a dense forest, from a seed. Used by the `merge` and `feed` benchmarks.

Density and size are those of the real crowns in the scene's imagery: 574 crowns on 2299 x 2472 pixels are 101 for a
megapixel, 20 to 80 pixels wide. Every tile whose window shows a crown's centre reports it, a little displaced.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CROWNS_FOR_A_MEGAPIXEL = 101
_JITTER_PIXELS = 1.5


def seen_by_tiles(count: int, tile: int, halo: int, seed: int) -> dict[str, NDArray[Any]]:
    """Exactly `count` boxes (K, 4) x0,y0,x1,y1 with scores, classes and tile (K,), in random order.

    The scene is a square as large as it takes at the density of real crowns.
    """
    random = np.random.default_rng(seed)
    stride = tile - 2 * halo
    repeats = (tile / stride) ** 2
    columns = int(np.ceil(np.sqrt(1.1 * count / repeats / CROWNS_FOR_A_MEGAPIXEL) * 1000 / stride))
    side = columns * stride
    objects = int(CROWNS_FOR_A_MEGAPIXEL * side * side / 1e6)
    centres = random.uniform(0, side, (objects, 2))
    sizes = random.uniform(20, 80, (objects, 1)) * random.uniform(0.8, 1.25, (objects, 2))
    which, tiles = _sightings(centres, stride, halo, columns)
    order = random.permutation(len(which))[:count]
    which, tiles = which[order], tiles[order]
    if len(which) < count:
        raise ValueError(f"only {len(which)} sightings for {count} boxes")
    middle = centres[which] + random.normal(0, _JITTER_PIXELS, (count, 2))
    half = sizes[which] * random.uniform(0.95, 1.05, (count, 2)) / 2
    quality = random.uniform(0.3, 0.95, objects)[which] + random.normal(0, 0.02, count)
    return {
        "boxes": np.hstack([middle - half, middle + half]).astype(np.float32),
        "scores": np.clip(quality, 0, 1).astype(np.float32),
        "classes": np.zeros(count, np.int64),
        "tile": tiles,
    }


def _sightings(
    centres: NDArray[np.float64], stride: int, halo: int, columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which object is seen by which tile: the tile's window is its core grown by the halo on every side."""
    home = (centres // stride).astype(np.int64)
    within = centres - home * stride
    which, tiles = [], []
    for across in (-1, 0, 1):
        for down in (-1, 0, 1):
            step = np.array([across, down])
            reached = np.where(step < 0, within < halo, np.where(step > 0, within >= stride - halo, True)).all(axis=1)
            neighbour = home + step
            seen = np.flatnonzero(reached & (neighbour >= 0).all(axis=1) & (neighbour < columns).all(axis=1))
            which.append(seen)
            tiles.append(neighbour[seen, 1] * columns + neighbour[seen, 0])
    return np.concatenate(which), np.concatenate(tiles)


def one_tile(tile: int, candidates: int, seed: int) -> dict[str, NDArray[Any]]:
    """What a model answers for one tile: boxes (K, 4), scores and classes (K,), K = `candidates`, the best first.

    As many as real crowns stand on a tile score 0.5 or more, the rest 0.05 or less.
    """
    random = np.random.default_rng(seed)
    found = min(candidates, round(CROWNS_FOR_A_MEGAPIXEL * tile * tile / 1e6))
    centres = random.uniform(0, tile, (candidates, 2))
    half = random.uniform(20, 80, (candidates, 1)) * random.uniform(0.8, 1.25, (candidates, 2)) / 2
    scores = np.concatenate([random.uniform(0.5, 0.95, found), random.uniform(0, 0.05, candidates - found)])
    return {
        "boxes": np.hstack([centres - half, centres + half]).astype(np.float32),
        "scores": np.sort(scores)[::-1].astype(np.float32),
        "classes": np.zeros(candidates, np.int64),
    }


def save(path: Path, arrays: dict[str, NDArray[Any]]) -> Path:
    """Write the arrays where both sides' processes read them."""
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path
