"""Ours: `predict_scene` on one scene, the model loaded and warm. With --answer, a backend that answers at once.

With --real-batches besides, that many batches go through the real model first: its memory is then held as well.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import About, Backend, Outputs
from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from benchmarks.sides.process import answer


class InstantBackend:
    """Answers every tile with the same boxes: an .npz of boxes (K, 4), scores (K,), classes (K,)."""

    about = About("instant", "NumPy", "CPU")

    def __init__(self, path: Path) -> None:
        with np.load(path) as arrays:
            self._one = {name: arrays[name] for name in ("boxes", "scores", "classes")}

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        return {name: np.broadcast_to(array, (len(tiles), *array.shape)) for name, array in self._one.items()}

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


class RealThenInstantBackend(InstantBackend):
    """The first `batches` batches go through the real model, whose answer is left out."""

    def __init__(self, path: Path, real: Backend, batches: int) -> None:
        super().__init__(path)
        self._real = real
        self._left = batches

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        if self._left:
            self._left -= 1
            self._real.infer(tiles)
        return super().infer(tiles)


def backend_for(package: ModelPackage, given: argparse.Namespace) -> Backend:
    if given.answer and not given.real_batches:
        return InstantBackend(given.answer)
    real = OnnxRuntimeBackend(package.model_path, package.manifest, threads=given.threads)
    return RealThenInstantBackend(given.answer, real, given.real_batches) if given.answer else real


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", type=Path, required=True)
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--answer", type=Path)
    parser.add_argument("--real-batches", type=int, default=0)
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    package = model_package.read(given.detector)
    source = package.manifest.input
    backend = backend_for(package, given)
    backend.infer(np.zeros((given.batch, source.tile_size, source.tile_size, len(source.bands)), np.uint8))
    options = PredictOptions(threshold=given.threshold, batch_size=given.batch, decode_threads=given.threads)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        scene = SceneSource(str(given.scene), given.scene.name)
        summary = predict_scene(scene, package.manifest, backend, Path(folder) / "detections.parquet", options)
        seconds = time.perf_counter() - start
    backend.close()
    answer(seconds=seconds, tiles=summary.tiles, detections=summary.detections)


if __name__ == "__main__":
    main()
