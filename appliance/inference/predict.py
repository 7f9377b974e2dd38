"""The public face of inference: `predict_scene`. Called by `vedette predict`, detector workers, training's evaluation on
whole scenes (through a subprocess or the CLI) and the benchmarks. Knows no server, queue or object store.

    from appliance.formats import model_package
    from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
    from appliance.inference.options import Hooks, PredictOptions, SceneSource
    from appliance.inference.predict import predict_scene

    package = model_package.read(folder)
    backend = OnnxRuntimeBackend(package.model_path, package.manifest, threads=2)
    summary = predict_scene(SceneSource("scene.tif", "scene.tif"), package.manifest, backend, Path("out.parquet"))

The result is one GeoParquet 1.1 file with the columns of contracts.detection.PARQUET_COLUMNS. Its partial form lies beside
it as `<name>.partial` and is renamed when complete. Merging alone: `appliance.vision.merge.resolve`.
"""

from __future__ import annotations

from pathlib import Path

from appliance.contracts.detection import RunSummary
from appliance.contracts.model_package import Manifest
from appliance.inference.backends.base import Backend
from appliance.inference.options import Hooks, PredictOptions, SceneSource


def predict_scene(
    scene: SceneSource,
    manifest: Manifest,
    backend: Backend,
    output: Path,
    options: PredictOptions = PredictOptions(),
    hooks: Hooks = Hooks(),
) -> RunSummary:
    """Find the objects of one scene and write them to `output`.

    Raises VedetteError: UNREADABLE, TRUNCATED, EMPTY, TOO_LARGE, BANDS, GSD, GEOREFERENCE, MODEL_PACKAGE for the input;
    CANCELLED when `hooks.cancelled()` became true; DISK or STORE (retryable) for the surroundings. Finished bands stay in
    `hooks.checkpoints`; the next call with the same arguments goes on there and gives exactly the same file.
    """
    raise NotImplementedError
