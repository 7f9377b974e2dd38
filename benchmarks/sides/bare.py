"""The bare backend: the same ONNX over tiles that were cut beforehand, in batches, as many in flight as
the pipeline keeps, nothing else. The ceiling of `predict`. With --plain, ONNX Runtime as it comes: all threads on one batch."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import IN_FLIGHT
from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from benchmarks.sides.process import answer

Infer = Callable[[NDArray[Any]], object]
_HELD = 256
"""Tiles in memory at once; the work does not depend on which pixels they show."""


def cut(scene: Path, tile: int, stride: int) -> NDArray[Any]:
    """(N, tile, tile, 3) uint8 tiles of the scene's first rows."""
    with rasterio.open(scene) as source:
        places = [
            (row, column)
            for row in range(0, source.height - tile + 1, stride)
            for column in range(0, source.width - tile + 1, stride)
        ][:_HELD]
        tiles = np.empty((len(places), tile, tile, 3), np.uint8)
        for index, (row, column) in enumerate(places):
            source.read((1, 2, 3), window=Window(column, row, tile, tile), out=tiles[index].transpose(2, 0, 1))
    return tiles


def ours(package: ModelPackage, threads: int) -> tuple[Infer, int]:
    """The backend, and how many batches it is given at once."""
    return OnnxRuntimeBackend(package.model_path, package.manifest, threads=threads).infer, IN_FLIGHT


def plain(package: ModelPackage, threads: int) -> tuple[Infer, int]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(package.model_path, options, providers=["CPUExecutionProvider"])
    return lambda tiles: session.run(None, {package.manifest.input.name: tiles}), 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", type=Path, required=True)
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--tiles", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--plain", type=int, default=0)
    given = parser.parse_args()
    package = model_package.read(given.detector)
    source = package.manifest.input
    tiles = cut(given.scene, source.tile_size, source.tile_size - 2 * source.halo)
    infer, flying = plain(package, given.threads) if given.plain else ours(package, given.threads)
    batches = [tiles[at : at + given.batch] for at in range(0, len(tiles) - given.batch + 1, given.batch)]
    infer(batches[0])
    rounds = max(1, given.tiles // given.batch)
    start = time.perf_counter()
    with ThreadPoolExecutor(flying) as pool:
        for _ in pool.map(lambda index: infer(batches[index % len(batches)]), range(rounds)):
            pass
    seconds = time.perf_counter() - start
    answer(seconds=seconds, tiles=rounds * given.batch)


if __name__ == "__main__":
    main()
