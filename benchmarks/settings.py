"""What both sides of `predict`, `feed` and `memory` are told alike: the detector, tiles, batch, threads, threshold."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.formats import model_package
from benchmarks import crowd
from benchmarks.environment import run_peer, run_side

_DETECTOR = Path(__file__).resolve().parents[1] / "demo" / "tree-crowns"
SAHI_DEFAULT_OVERLAP = 0.2


@dataclass(frozen=True)
class Settings:
    """`answer` is what an instant model answers for each tile, None for the real model.

    With `real_batches`, the real model is loaded too and that many batches go through it before the instant one answers.
    """

    detector: Path
    tile: int
    halo: int
    threshold: float
    batch: int = 4
    threads: int = 2
    answer: Path | None = None
    real_batches: int = 0

    @property
    def same_overlap(self) -> float:
        """The overlap, as a share of the tile, at which sahi's tiles lie as far apart as ours."""
        return 2 * self.halo / self.tile

    def ours(self, scene: Path) -> dict[str, Any]:
        """`predict_scene`, from opening the scene to the finished GeoParquet file."""
        return run_side("predict", detector=self.detector, **self._model(), **self._common(scene))

    def sahi(self, scene: Path, overlap: float) -> dict[str, Any]:
        """`get_sliced_prediction`, from opening the scene to the merged list in memory."""
        tiles = {"tile": self.tile, "overlap": overlap, "model": self.detector / "model.onnx"}
        return run_peer("sahi_predict", **tiles, **self._model(), **self._common(scene))

    def bare(self, scene: Path, tiles: int, plain: bool = False) -> dict[str, Any]:
        """The backend alone, on `tiles` tiles that were cut beforehand; `plain`: ONNX Runtime as it comes."""
        return run_side("bare", detector=self.detector, tiles=tiles, plain=int(plain), **self._common(scene))

    def decode(self, scene: Path) -> dict[str, Any]:
        """GDAL alone."""
        return run_side("decode", scene=scene, threads=self.threads)

    def _model(self) -> dict[str, Any]:
        answer = {"answer": self.answer, "real-batches": self.real_batches} if self.answer else {}
        return {"threshold": self.threshold, **answer}

    def _common(self, scene: Path) -> dict[str, Any]:
        return {"scene": scene, "batch": self.batch, "threads": self.threads}


def real_model() -> Settings:
    """The demo's detector at its own running point."""
    manifest = model_package.read(_DETECTOR).manifest
    return Settings(_DETECTOR, manifest.input.tile_size, manifest.input.halo, manifest.running_point.threshold)


@contextmanager
def instant_model(real_batches: int = 0) -> Iterator[Settings]:
    """The demo's detector with a backend that answers at once: on every tile as many boxes as real crowns stand there."""
    settings = real_model()
    candidates = model_package.read(_DETECTOR).manifest.decode.maximum_per_tile
    with tempfile.TemporaryDirectory() as folder:
        answer = crowd.save(Path(folder) / "answer.npz", crowd.one_tile(settings.tile, candidates, seed=2))
        yield Settings(_DETECTOR, settings.tile, settings.halo, 0.3, answer=answer, real_batches=real_batches)


def megapixels_per_second(size: int, results: list[dict[str, Any]]) -> list[float]:
    return [size * size / 1e6 / result["seconds"] for result in results]


def tiles_per_second(results: list[dict[str, Any]]) -> list[float]:
    return [result["tiles"] / result["seconds"] for result in results]
