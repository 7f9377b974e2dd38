"""Make a scene of an original: read once, convert, count, write. Runs inside the decoding process only (decode.py)."""

from __future__ import annotations

import itertools
import logging
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from appliance.contracts.errors import VedetteError
from appliance.contracts.item import BandStatistics, SceneInfo
from appliance.media import failures, gdal_log, georeference, metadata, sniff, source, thumbnail, turning, warping
from appliance.media.cog import BLOCK, Grid, SceneWriter
from appliance.media.confine import threads
from appliance.media.footprint import Location, locate
from appliance.media.georeference import Georeference
from appliance.media.limits import Limits
from appliance.media.pixels import PixelForm, form_of
from appliance.media.statistics import BandAccumulator, histogram_bits

Report = Callable[[str, Any], None]
_READ_SHARE, _OVERVIEW_SHARE = 0.6, 0.75  # of the whole work, for the progress bar


@dataclass(frozen=True)
class Original:
    """An open source with all that was decided about it."""

    dataset: Any
    path: Path
    name: str
    driver: str
    place: Georeference
    form: PixelForm
    metadata: metadata.Metadata


def make_scene(path: Path, name: str, folder: Path, limits: Limits, report: Report) -> SceneInfo:
    """Write scene.tif and thumbnail.webp into `folder`. Raises VedetteError for anything wrong with the file."""
    cv2.setNumThreads(threads(limits))
    with (
        rasterio.Env(),  # type: ignore[no-untyped-call]
        gdal_log.messages(logging.WARNING) as said,
        source.open_source(path, name, limits) as dataset,
    ):
        report("opened", source.decoded_bytes(dataset))
        original = _understood(dataset, path, name, folder, limits)
        turn, grid = _grid(original)
        writer = SceneWriter(folder, name, grid, original.form, limits)
        statistics = _copy_pixels(original, turn, writer, limits, report)
        if damage := gdal_log.jpeg_damage(said):
            raise failures.damaged(name, sniff.looks_like(path), damage)
        report("progress", _READ_SHARE)
        factors = writer.build_overviews()
        report("progress", _OVERVIEW_SHARE)
        scene = writer.finish()
    mask = thumbnail.write(scene, statistics, folder / "thumbnail.webp")
    notes = (*original.metadata.notes, *gdal_log.jpeg_notes(said))
    return _describe(original, grid, statistics, factors, _locate(grid, mask), notes)


def _understood(dataset: Any, path: Path, name: str, folder: Path, limits: Limits) -> Original:
    """`_decide`, whose failures are the header's fault: GDAL raises many kinds of exception at damaged metadata.

    Damage beside the picture (EXIF, a thumbnail) it reports once, when it is first met; the second look goes without it.
    """
    try:
        return _decide(dataset, path, name, folder, limits)
    except VedetteError:
        raise
    except Exception as error:
        traceback.print_exc()
        damage = source.detail(error, path)
    try:
        original = _decide(dataset, path, name, folder, limits)
    except VedetteError:
        raise
    except Exception as error:
        raise failures.damaged(name, sniff.looks_like(path), damage) from error
    notes = (*original.metadata.notes, f"Part of its metadata is damaged and was left out: {damage}.")
    return replace(original, metadata=replace(original.metadata, notes=notes))


def _decide(dataset: Any, path: Path, name: str, folder: Path, limits: Limits) -> Original:
    place = georeference.of_dataset(dataset)
    tags = {**dataset.tags(), **dataset.tags(ns="IMAGERY")}
    found = metadata.of_file(path, tags, place.crs is not None)
    driver, kind = dataset.driver, sniff.looks_like(path)
    if place.warp_to is not None:
        dataset, place = _warped(dataset, place, name, path, folder, limits)
    form = form_of(dataset, failures.unsupported_type(name, ", ".join(sorted(set(dataset.dtypes)))[:100]))
    pages = len(dataset.subdatasets)
    more = (f"It holds {pages} images; the first was taken.",) if pages > 1 else ()
    notes = (*place.notes, *found.notes, *form.notes, *more)
    if kind not in sniff.READABLE:
        notes = (*notes, f"It looks like {kind} and was read as {driver}.")
    return Original(
        dataset, path, name, driver, place, form, metadata.Metadata(found.orientation, found.acquired_at, notes)
    )  # fmt: skip


def _warped(
    dataset: Any, place: Georeference, name: str, path: Path, folder: Path, limits: Limits
) -> tuple[Any, Georeference]:
    if dataset.colorinterp[0] is ColorInterp.palette:
        note = "Its ground control points are left out, since a palette cannot be warped; it is shown in pixels."
        return dataset, Georeference(None, Affine.identity(), notes=(note,))
    try:
        warped = rasterio.open(warping.warp(dataset, place, folder))
    except Exception as error:  # whatever GDAL makes of damaged data
        if isinstance(error, ValueError):
            note = f"Its ground control points are left out: {error}. It is shown in pixels."
            return dataset, Georeference(None, Affine.identity(), notes=(note,))
        raise source.reading_failed(error, path, name, 0, limits) from error
    return warped, Georeference(warped.crs, warped.transform, notes=place.notes)


def _grid(original: Original) -> tuple[turning.Turn, Grid]:
    width, height = original.dataset.width, original.dataset.height
    place = original.place
    if place.crs is None:
        turn = turning.upright(original.metadata.orientation, width, height)
        return turn, Grid(turn.width, turn.height, None, Affine.identity())
    turn, transform = turning.north_up(place.transform, width, height)
    return turn, Grid(turn.width, turn.height, place.crs, transform)


def _copy_pixels(
    original: Original, turn: turning.Turn, writer: SceneWriter, limits: Limits, report: Report
) -> list[BandStatistics]:
    form = original.form
    bits = histogram_bits(form.dtype, form.bands)
    accumulators = [BandAccumulator(form.dtype, bits) for _ in range(form.bands)]
    windows = source.windows_for(original.dataset, form.bands * form.dtype.itemsize)
    writer.open(BLOCK if turn.changes else windows.rows)
    done, total = 0, original.dataset.width * original.dataset.height

    def produce(window: Window) -> NDArray[Any]:
        return turn.block(form.convert(*_read(original, window, limits)))

    for window, block in read_ahead(produce, iter(windows)):
        for band, accumulator in enumerate(accumulators):
            accumulator.add(block[band], form.valid(block, band))
        writer.write(turn.window(window), block)
        done += window.width * window.height
        report("progress", _READ_SHARE * done / total)
    if not any(a.valid for a, c in zip(accumulators, form.colours, strict=True) if c is not ColorInterp.alpha):
        raise failures.nothing_valid(original.name)
    return [accumulator.result(name) for accumulator, name in zip(accumulators, form.names, strict=True)]


def _read(original: Original, window: Window, limits: Limits) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    try:
        block = original.dataset.read(window=window)
        mask = original.dataset.dataset_mask(window=window) if original.form.reads_mask else None
    except Exception as error:  # whatever GDAL makes of damaged data
        raise source.reading_failed(error, original.path, original.name, int(window.row_off), limits) from error
    return block, mask


def read_ahead(produce: Callable[[Any], Any], windows: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    """(window, produce(window)), the next one already being produced in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        ahead = [(window, pool.submit(produce, window)) for window in itertools.islice(windows, 1)]
        while ahead:
            window, future = ahead.pop()
            produced = future.result()
            ahead.extend((following, pool.submit(produce, following)) for following in itertools.islice(windows, 1))
            yield window, produced


def _describe(
    original: Original,
    grid: Grid,
    statistics: list[BandStatistics],
    factors: list[int],
    where: Location | None,
    notes: tuple[str, ...],
) -> SceneInfo:
    form, place = original.form, original.place
    return SceneInfo(
        width=grid.width,
        height=grid.height,
        dtype=form.dtype.name,
        bands=statistics,
        colour_interpretation=[colour.name for colour in form.colours],
        block_size=(BLOCK, BLOCK),
        overviews=factors,
        nodata=form.nodata,
        has_alpha=form.has_alpha,
        crs=georeference.written(place.crs) if place.crs else None,
        transform=tuple(grid.transform)[:6],
        gsd_metres=where.gsd_metres if where else None,
        footprint=where.footprint if where else None,
        bbox=where.bbox if where else None,
        acquired_at=original.metadata.acquired_at,
        driver=original.driver,
        notes=[note[:1024] for note in notes],
    )


def _locate(grid: Grid, mask: NDArray[np.uint8]) -> Location | None:
    """Where the valid part lies: the convex hull of the thumbnail's valid pixels, or the whole grid."""
    if grid.crs is None:
        return None
    crs = georeference.to_pyproj(grid.crs)
    outline = None if mask.all() else _hull(mask, grid)
    try:
        return locate(crs, grid.transform, grid.width, grid.height, outline)
    except ValueError:  # the whole grid was located before (georeference.py): its hull may touch a singular point
        return locate(crs, grid.transform, grid.width, grid.height)


def _hull(mask: NDArray[np.uint8], grid: Grid) -> NDArray[np.float64] | None:
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return None
    corners = np.concatenate([np.column_stack((columns + dx, rows + dy)) for dx in (0, 1) for dy in (0, 1)])
    hull = cv2.convexHull(corners.astype(np.int32))[:, 0].astype(np.float64)
    hull *= (grid.width / mask.shape[1], grid.height / mask.shape[0])
    return np.concatenate([hull, hull[:1]])
