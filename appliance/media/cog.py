"""Write a scene as a cloud-optimised GeoTIFF while it is being read. Called by the decoding process.

The pixels go to a tiled scratch file first, uncompressed (imagery shrinks by a quarter at best, and is read twice from
there: compressing it doubles the time), get their overviews there, and are then copied into the layout that makes a COG:
header, overviews from small to large, full resolution. The source is decoded once and
memory does not grow with the scene. Zstandard with a predictor: on aerial RGB smaller than deflate, written twice as
fast and decoded faster (docs/adr, measured).
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.windows import Window

from appliance.contracts.errors import VedetteError
from appliance.media import failures, gdal_log
from appliance.media.limits import Limits
from appliance.media.pixels import PixelForm

BLOCK = 512
_LEVEL = 3
_PIXEL_INTERLEAVED_BANDS = 4
_LITTLE_SPACE = 64 << 20


@dataclass(frozen=True)
class Grid:
    width: int
    height: int
    crs: CRS | None
    transform: Affine


def overview_factors(width: int, height: int) -> list[int]:
    """2, 4, 8 ... until the smallest overview fits one block."""
    factors, factor = [], 1
    while max(width, height) / factor > BLOCK:
        factor *= 2
        factors.append(factor)
    return factors


class SceneWriter:
    """`write` each window, then `finish`. Raises VedetteError(DISK | LIMIT) when it cannot be written."""

    def __init__(self, folder: Path, name: str, grid: Grid, form: PixelForm, limits: Limits) -> None:
        self._folder, self._name, self._grid, self._form, self._limits = folder, name, grid, form, limits
        self._scratch = folder / "scratch.tif"

    def open(self, rows: int) -> None:
        """`rows` per write: the scratch file's tiles are no higher, so that each is written once."""
        with self._writing():
            self._file = rasterio.open(self._scratch, "w", **self._profile(min(BLOCK, rows)))
            self._file.colorinterp = self._form.colours
            self._file.descriptions = self._form.names

    def write(self, window: Window, block: NDArray[Any]) -> None:
        with self._writing():
            self._file.write(np.ascontiguousarray(block), window=window)

    def build_overviews(self) -> list[int]:
        """The factors built."""
        factors = overview_factors(self._grid.width, self._grid.height)
        with self._writing():
            if factors:
                self._file.build_overviews(factors, Resampling.average)
            self._file.close()
        return factors

    def finish(self) -> Path:
        target = self._folder / "scene.tif"
        with self._writing():
            rasterio.shutil.copy(self._scratch, target, driver="GTiff", copy_src_overviews="YES", **self._final())
        self._scratch.unlink()
        return target

    def _profile(self, tile_rows: int) -> dict[str, Any]:
        grid, form = self._grid, self._form
        rgb = form.colours[:3] == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        profile = {
            "driver": "GTiff",
            "width": grid.width,
            "height": grid.height,
            "count": form.bands,
            "dtype": form.dtype.name,
            "nodata": form.nodata,
            "crs": grid.crs,
            "transform": grid.transform if grid.crs else None,
            "photometric": "RGB" if rgb and form.dtype.kind == "u" else "MINISBLACK",
            **self._layout(tile_rows),
        }
        if form.has_alpha:
            profile["alpha"] = "UNSPECIFIED" if form.bands == 1 else "NON-PREMULTIPLIED"
        return profile

    def _layout(self, tile_rows: int) -> dict[str, Any]:
        return {
            "tiled": "YES",
            "blockxsize": BLOCK,
            "blockysize": tile_rows,
            "interleave": "pixel" if self._form.bands <= _PIXEL_INTERLEAVED_BANDS else "band",
            "bigtiff": "IF_SAFER",
            "num_threads": os.environ.get("GDAL_NUM_THREADS", "1"),
        }

    def _final(self) -> dict[str, Any]:
        predictor = 3 if self._form.dtype.kind == "f" else 2
        return {**self._layout(BLOCK), "compress": "ZSTD", "zstd_level": _LEVEL, "predictor": predictor}

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """GDAL reports a failed flush only in its log, so the log decides as well."""
        with gdal_log.messages(logging.ERROR) as errors:
            try:
                yield
            except VedetteError:
                raise
            except Exception as error:  # GDAL's own are no RasterioError; `_why` tells them apart
                errors.append(f"{type(error).__name__}: {error}")
        if errors:
            raise self._why(errors[0])

    def _why(self, first: str) -> VedetteError:
        sizes = [path.stat().st_size for path in self._folder.glob("*.tif*")]
        if sizes and max(sizes) >= self._limits.output_bytes - BLOCK * BLOCK * 64:
            return failures.output_too_large(self._name, self._limits)
        space = os.statvfs(self._folder)
        if space.f_bavail * space.f_frsize < _LITTLE_SPACE or space.f_favail == 0:
            return failures.disk_full(self._name, str(self._folder.parent))
        if "memory" in first.lower() or "alloc" in first.lower():
            return failures.out_of_memory(self._name, self._limits)
        return failures.inside(self._name, " ".join(first.split())[:300])
