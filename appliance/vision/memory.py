"""How much memory a run needs on a worker, from what is known before it begins. Pure.

Called by the API, which places runs on workers that have as much. The parts are those of inference/: plan.py and reader.py
(strips of decoded blocks), feeder.py (buffers of tiles), working.py (resampled strips), backends/ (the model). An upper
bound that tests/inference/test_memory.py holds against what runs really take.
"""

from __future__ import annotations

import numpy as np

from appliance.contracts.item import SceneInfo
from appliance.contracts.model_package import ModelInput

PROCESS_BYTES = 272 << 20
"""A worker with its libraries and GDAL's cache of blocks, before it has seen a scene."""

STRIPS_BYTES = 96 << 20
"""PredictOptions.buffer_bytes: decoded pixels held at once, unless one row of tiles needs more."""

BATCH_TILES, BUFFERS, SIDE_BY_SIDE = 8, 4, 8
"""PredictOptions.batch_size, the buffers of pipeline.py, and the tiles that backends/onnxruntime.py looks at at once."""

ACTIVATION_BYTES = 256
"""Of a model, for each pixel of a tile that is looked at: 238 were measured of EfficientNet-Lite0 with an FPN."""

_WEIGHT_COPIES = 3  # the file while it is parsed, the graph, and the weights packed for the processor
_WORKING_ROWS = 256  # of a resampled strip, working.py
_SAME_SCALE = 0.02  # of scene.py
_REAL_BYTES = 4 + 8  # resample.py computes in float32 and collects float64


def run_bytes(scene: SceneInfo, model: ModelInput, model_file_bytes: int, working_bytes: int | None = None) -> int:
    """Bytes that one run of the model on the scene holds at most, the worker's process included.

    `working_bytes`: what the model itself needs for a batch where its package says so.
    """
    itemsize = np.dtype(model.dtype).itemsize
    tile = model.tile_size**2 * len(model.bands)
    working = working_bytes or SIDE_BY_SIDE * model.tile_size**2 * ACTIVATION_BYTES
    buffers = BUFFERS * BATCH_TILES * tile * itemsize
    return PROCESS_BYTES + _WEIGHT_COPIES * model_file_bytes + working + buffers + _decoded_bytes(scene, model)


def _decoded_bytes(scene: SceneInfo, model: ModelInput) -> int:
    """Strips as decoded, and as resampled where the scene's pixels are not the model's."""
    scale = _scale(scene, model)
    # The overview that scene.py reads: the coarsest that is as fine as the working grid.
    level = max((factor for factor in (1, *scene.overviews) if factor * scale <= 1 + _SAME_SCALE), default=1)
    width, height = -(-scene.width // level), -(-scene.height // level)
    pixel = len(model.bands) * np.dtype(model.dtype).itemsize + 1  # and whether it holds data
    strip_rows = min(height, max(scene.block_size[0], _WORKING_ROWS))
    strips = int(np.ceil(model.tile_size / (scale * level) / strip_rows)) + 2
    tiled = scene.block_size[1] < width
    narrowest = min(width, int(model.tile_size / (scale * level)) + 2 * scene.block_size[1]) if tiled else width
    held = max(min(STRIPS_BYTES, width * height * pixel), strips * strip_rows * narrowest * pixel)
    # One more is being decoded while the strips held are full.
    held += min(strip_rows * width * pixel, STRIPS_BYTES // 2)
    if scale == 1:
        return held
    columns = min(width, held // (strip_rows * pixel)) * scale * level
    return 2 * held + int(_WORKING_ROWS * columns * len(model.bands) * _REAL_BYTES)


def _scale(scene: SceneInfo, model: ModelInput) -> float:
    """Working pixels per scene pixel."""
    if model.gsd_metres is None or scene.gsd_metres is None:
        return 1.0
    scale = scene.gsd_metres / model.gsd_metres.nominal
    return 1.0 if abs(scale - 1) <= _SAME_SCALE else scale
