"""Large scenes made of real imagery, written once into the cache. Used by every benchmark that reads a scene.

A scene is a mosaic of 1024 x 1024 crops of two NEON aerial images of Yellowstone (0.1 m; the data of deepforest's
wheel), each cut at a random place and turned or mirrored at random, so that no two blocks are alike. The same size
always gives the same pixels. Written a row of crops at a time (memory does not grow with the
scene), as a GeoTIFF with the blocks and the compression that the media worker gives scenes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS
from rasterio.warp import transform_bounds
from rasterio.windows import Window

RECIPE = 1
"""Part of every file's name: raise it when the pixels or the profile change."""

_CROP = 1024
_ROOT = Path(__file__).resolve().parents[1]
_SOURCES = ("2019_YELL_2_528000_4978000_image_crop2.png", "2019_YELL_2_541000_4977000_image_crop.png")
_PROFILE = {
    "driver": "GTiff",
    "count": 3,
    "dtype": "uint8",
    "photometric": "RGB",
    "interleave": "pixel",
    "tiled": True,
    "blockxsize": 512,
    "blockysize": 512,
    "compress": "zstd",
    "zstd_level": 3,
    "predictor": 2,
    "bigtiff": "IF_SAFER",
    "num_threads": "ALL_CPUS",
}


def cache_folder() -> Path:
    """Where benchmarks keep scenes, models and peers: $XDG_CACHE_HOME/vedette or ~/.cache/vedette."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vedette"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def scene(size: int) -> Path:
    """The path of the `size` x `size` scene, written first where it is not there yet."""
    path = _path(size)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.tif")
        try:
            write_mosaic(partial, size, imagery())
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


@contextlib.contextmanager
def temporary_scene(size: int) -> Iterator[Path]:
    """A scene too large to keep: removed afterwards, unless it lay in the cache before."""
    kept = _path(size).exists()
    path = scene(size)
    try:
        yield path
    finally:
        if not kept:
            path.unlink(missing_ok=True)


def sixteen_bit(size: int) -> Path:
    """The same scene in 16 bits, every value sixteen times and a little noise below: real sensors fill what they have."""
    path = cache_folder() / "bench" / f"scene-{size}-16-v{RECIPE}.tif"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}.tif")
        random = np.random.default_rng(size)
        try:
            with rasterio.open(scene(size)) as source:
                profile = {**_PROFILE, "dtype": "uint16", "width": size, "height": size}
                with rasterio.open(partial, "w", crs=source.crs, transform=source.transform, **profile) as target:
                    for _, window in source.block_windows(1):
                        pixels = source.read(window=window).astype(np.uint16) * 16
                        target.write(pixels + random.integers(0, 16, pixels.shape, np.uint16), window=window)
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


def map_bounds(path: Path) -> tuple[float, float, float, float]:
    """West, south, east, north in EPSG:3857."""
    with rasterio.open(path) as source:
        west, south, east, north = transform_bounds(source.crs, "EPSG:3857", *source.bounds)
    return west, south, east, north


def _path(size: int) -> Path:
    return cache_folder() / "bench" / f"scene-{size}-v{RECIPE}.tif"


def write_mosaic(path: Path, size: int, images: list[NDArray[np.uint8]]) -> None:
    """Write the mosaic of the (H, W, 3) images to `path`, EPSG:32612, 0.1 m."""
    random = np.random.default_rng(size)
    transform = Affine(0.1, 0.0, 528_000.0, 0.0, -0.1, 4_978_000.0)
    with rasterio.open(
        path, "w", width=size, height=size, crs=CRS.from_epsg(32612), transform=transform, **_PROFILE
    ) as target:
        for top in range(0, size, _CROP):
            crops = [_crop(images, random) for _ in range(0, size, _CROP)]
            row = np.concatenate(crops, axis=1)[: min(_CROP, size - top), :size]
            target.write(np.ascontiguousarray(row.transpose(2, 0, 1)), window=Window(0, top, size, row.shape[0]))


def _crop(images: list[NDArray[np.uint8]], random: np.random.Generator) -> NDArray[np.uint8]:
    """One crop; an image is chosen by its area, so that every real pixel is as likely."""
    areas = np.array([image.shape[0] * image.shape[1] for image in images], dtype=float)
    image = images[random.choice(len(images), p=areas / areas.sum())]
    top = random.integers(image.shape[0] - _CROP + 1)
    left = random.integers(image.shape[1] - _CROP + 1)
    crop = np.rot90(image[top : top + _CROP, left : left + _CROP], k=int(random.integers(4)))
    return crop[:, ::-1] if random.integers(2) else crop


def imagery() -> list[NDArray[np.uint8]]:
    """The real images, (H, W, 3) uint8; fetched by scripts/fetch_data.py where they are not there yet."""
    data = cache_folder() / "data"
    if not _find(data):
        subprocess.run([sys.executable, str(_ROOT / "scripts" / "fetch_data.py")], check=True, stdout=sys.stderr)
    paths = _find(data)
    if not paths:
        raise SystemExit(f"{', '.join(_SOURCES)} are not under {data}. Run scripts/fetch_data.py.")
    images = []
    for path in paths:
        with Image.open(path) as source:
            images.append(np.asarray(source.convert("RGB")))
    return images


def _find(data: Path) -> list[Path]:
    """One path for each source, or none at all."""
    found = [next(iter(sorted(data.rglob(name))), None) for name in _SOURCES]
    paths = [path for path in found if path is not None]
    return paths if len(paths) == len(_SOURCES) else []
