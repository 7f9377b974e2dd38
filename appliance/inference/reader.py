"""Decode a scene strip by strip, several threads ahead of whoever asks. Called by feeder.py.

Each decoding thread has a handle of its own and writes straight into the strip, pixel-interleaved; a strip's memory is
used again once it is released. Knows strips and pixels, not tiles.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from appliance.contracts.model_package import ModelInput
from appliance.inference.scene import GDAL_ERRORS, Scene, environment, open_dataset, refusal
from appliance.inference.strips import Layout, Unit
from appliance.vision import validity


@dataclass(frozen=True)
class Strip:
    """Rows [y, y + rows) and columns [x, x + width) of a grid: `pixels` (rows, width, bands) as the detector takes them,
    `valid` (rows, width), None where every pixel holds data."""

    x: int
    y: int
    pixels: NDArray[Any]
    valid: NDArray[np.uint8] | None

    @property
    def end(self) -> int:
        return self.y + len(self.pixels)


_Decoding = tuple[Unit, Future[NDArray[np.uint8] | None]]


def layout_of(scene: Scene, dtype: np.dtype[Any]) -> Layout:
    pixel_bytes = len(scene.indexes) * dtype.itemsize
    return Layout(scene.level_width, scene.level_height, scene.block, pixel_bytes, scene.driver)


def strip_type(scene: Scene, model: ModelInput) -> np.dtype[Any]:
    """What strips hold: the detector's type, or the scene's own smaller one where copying a tile widens it anyway."""
    wanted = np.dtype(model.dtype)
    widened = wanted.kind == "f" and scene.dtype.kind in "ui" and scene.dtype.itemsize < wanted.itemsize
    return scene.dtype if widened and scene.stretch is None else wanted


class StripReader:
    """Decodes one panel's strips in order. Use as a context manager: leaving it stops the threads and closes the handles."""

    def __init__(self, scene: Scene, dtype: np.dtype[Any], threads: int, ahead_bytes: int) -> None:
        self._scene = scene
        self._dtype = dtype
        self._layout = layout_of(scene, dtype)
        self._ahead_bytes = ahead_bytes
        self._local = threading.local()
        self._handles: list[tuple[rasterio.Env, DatasetReader]] = []
        self._lock = threading.Lock()
        self._free: list[NDArray[Any]] = []
        count = 1 if self._layout.sequential else threads
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="decode")

    def __enter__(self) -> StripReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        for _env, handle in self._handles:
            handle.close()

    def release(self, strip: Strip) -> None:
        """Give the strip's memory back; its arrays must not be used again."""
        base = strip.pixels if strip.pixels.base is None else strip.pixels.base
        if isinstance(base, np.ndarray):
            self._free.append(base)

    def strips(self, x0: int, x1: int, first_row: int, held: int) -> Iterator[Strip]:
        """From the strip that holds `first_row` to the last, over the block-aligned columns around [x0, x1).

        As many strips as fit in the bytes given are decoded ahead, less the `held` ones the caller keeps; at least one.
        """
        low, high = self._layout.aligned(x0, x1)
        room = self._ahead_bytes // max(1, self._layout.strip_bytes(x0, x1)) - held
        strip, last = self._layout.strip_of(first_row), self._layout.strip_of(self._layout.height - 1)
        pending: deque[tuple[Strip, list[_Decoding]]] = deque()
        while pending or strip <= last:
            while strip <= last and len(pending) < max(1, room):
                pending.append(self._start(strip, low, high))
                strip += 1
            blank, units = pending.popleft()
            yield _finished(blank, units)

    def _start(self, strip: int, low: int, high: int) -> tuple[Strip, list[_Decoding]]:
        units = self._layout.units(strip, low, high)
        top = units[0].y
        rows = units[-1].y + units[-1].height - top
        shape = (rows, high - low, len(self._scene.indexes))
        blank = Strip(low, top, self._memory(shape), None)
        return blank, [(unit, self._pool.submit(self._decode, unit, blank)) for unit in units]

    def _memory(self, shape: tuple[int, int, int]) -> NDArray[Any]:
        wanted = int(np.prod(shape))
        for place, base in enumerate(self._free):
            if base.size >= wanted:
                del self._free[place]
                return base[:wanted].reshape(shape)
        self._free.clear()
        return np.empty(wanted, self._dtype).reshape(shape)

    def _decode(self, unit: Unit, strip: Strip) -> NDArray[np.uint8] | None:
        """Fill the unit's part of the strip; its valid pixels, None where all are."""
        dataset = self._dataset()
        part = strip.pixels[unit.y - strip.y :, unit.x - strip.x :][: unit.height, : unit.width]
        window = Window(unit.x, unit.y, unit.width, unit.height)
        direct = self._scene.stretch is None and self._scene.dtype == self._dtype
        raw = part if direct else np.empty(part.shape, self._scene.dtype)
        try:
            dataset.read(self._scene.indexes, window=window, out=raw.transpose(2, 0, 1))
            valid = self._valid(dataset, window, raw)
        except GDAL_ERRORS as error:
            raise refusal(self._scene.source, error) from error
        if not direct:
            part[...] = _converted(self._scene, raw, self._dtype)
        elif self._dtype.kind == "f":
            np.nan_to_num(part, copy=False, posinf=0, neginf=0)
        if valid is None or valid.all():
            return None
        validity.clear(part, valid)
        return valid

    def _valid(self, dataset: DatasetReader, window: Window, raw: NDArray[Any]) -> NDArray[np.uint8] | None:
        if self._scene.mask == "none":
            return None
        if self._scene.mask == "nodata":
            return validity.by_nodata(raw, self._scene.nodata)
        mask: NDArray[np.uint8] = dataset.read_masks(self._scene.indexes[0], window=window)
        return mask

    def _dataset(self) -> DatasetReader:
        handle: DatasetReader | None = getattr(self._local, "handle", None)
        if handle is None:
            env = environment(self._scene.source)
            env.__enter__()  # type: ignore[no-untyped-call]
            handle = open_dataset(self._scene.source, self._scene.level)
            self._local.handle = handle
            with self._lock:
                self._handles.append((env, handle))
        return handle


def _finished(blank: Strip, units: list[_Decoding]) -> Strip:
    """The strip once every unit is decoded; raises what any of them raised."""
    masks = [(unit, future.result()) for unit, future in units]
    if all(mask is None for _, mask in masks):
        return blank
    valid = np.full(blank.pixels.shape[:2], 255, np.uint8)
    for unit, mask in masks:
        if mask is not None:
            x, y = unit.x - blank.x, unit.y - blank.y
            valid[y : y + unit.height, x : x + unit.width] = mask
    return Strip(blank.x, blank.y, blank.pixels, valid)


def _converted(scene: Scene, raw: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Raw pixels as the detector's type: stretched, or clipped to what the type can hold; NaN becomes 0."""
    if scene.stretch is not None:
        return scene.stretch.apply(raw)
    if dtype.kind == "f":
        real: NDArray[Any] = np.nan_to_num(raw.astype(dtype), posinf=0, neginf=0)
        return real
    bounds = np.iinfo(dtype)
    values = np.nan_to_num(np.rint(raw)) if raw.dtype.kind == "f" else raw
    whole: NDArray[Any] = np.clip(values, bounds.min, bounds.max).astype(dtype)
    return whole
