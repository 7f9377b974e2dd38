"""Real scenes for the soak: small windows of the demo's NEON images, no two alike."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

_SOURCES = (
    "2019_YELL_2_528000_4978000_image_crop2.png",
    "2019_YELL_2_541000_4977000_image_crop.png",
    "OSBS_029.tif",
    "SOAP_061.png",
)
_SIDES = (256, 384)


def cut(images: Path, target: Path, count: int, seed: int) -> list[Path]:
    """`count` windows with sides of 256 to 384 pixels, as GeoTIFF."""
    chance = random.Random(seed)
    target.mkdir(parents=True, exist_ok=True)
    taken: set[tuple[str, int, int, int]] = set()
    paths = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        while len(paths) < count:
            name, side = chance.choice(_SOURCES), chance.randint(*_SIDES)
            with rasterio.open(images / name) as source:
                x, y = chance.randrange(source.width - side + 1), chance.randrange(source.height - side + 1)
                if (name, side, x, y) in taken:
                    continue
                taken.add((name, side, x, y))
                pixels = source.read([1, 2, 3], window=Window(x, y, side, side))
            path = target / f"scene-{len(paths):04}.tif"
            with rasterio.open(path, "w", "GTiff", side, side, 3, dtype="uint8", photometric="RGB") as scene:
                scene.write(pixels)
            paths.append(path)
    return paths
