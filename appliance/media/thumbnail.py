"""A small picture of a scene, stretched as the page stretches it. Called by the decoding process on its own COG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import ColorInterp, Resampling

from appliance.contracts.item import BandStatistics

SIDE = 512
_QUALITY = 80


def display_bands(colours: list[str]) -> list[int]:
    """1-based bands to show: red, green, blue where they are named; else the first three; else the first."""
    named = [colours.index(c) + 1 for c in ("red", "green", "blue") if c in colours]
    if len(named) == 3:
        return named
    shown = [i + 1 for i, colour in enumerate(colours) if colour != ColorInterp.alpha.name]
    return shown[:3] if len(shown) >= 3 else shown[:1] or [1]


def small_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of at most SIDE pixels, never zero."""
    scale = min(1.0, SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def write(scene: Path, bands: list[BandStatistics], target: Path) -> NDArray[np.uint8]:
    """Write the WebP, transparent where nothing is valid; return the scene's mask (h, w) at the same size, zero where nothing is valid."""
    with rasterio.open(scene) as source:
        width, height = small_size(source.width, source.height)
        shown = display_bands([colour.name for colour in source.colorinterp])
        pixels = source.read(shown, out_shape=(len(shown), height, width), resampling=Resampling.average)
        mask: NDArray[np.uint8] = source.dataset_mask(out_shape=(height, width))
    stretched = [stretch(pixels[i], bands[band - 1]) for i, band in enumerate(shown)]
    colour = stretched if len(stretched) == 3 else stretched * 3
    Image.fromarray(np.stack([*colour, mask], axis=-1)).save(target, "WEBP", quality=_QUALITY)
    return mask


def stretch(values: NDArray[Any], band: BandStatistics) -> NDArray[np.uint8]:
    """Linear from low..high to 0..255."""
    span = band.high - band.low
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (values.astype(np.float64) - band.low) * (255.0 / span if span > 0 else 0.0)
    return np.clip(np.nan_to_num(scaled), 0, 255).round().astype(np.uint8)
