"""A sahi DetectionModel over ONNX Runtime, or one that answers at once. Real batches, as sahi's Ultralytics model has."""

from __future__ import annotations

from typing import Any

import numpy as np
from sahi.models.base import DetectionModel
from sahi.prediction import ObjectPrediction
from sahi.utils.compatibility import fix_full_shape_list, fix_shift_amount_list


class BatchedModel(DetectionModel):
    """`model` maps a (N, H, W, 3) uint8 batch to boxes (N, K, 4) x0,y0,x1,y1, scores (N, K), classes (N, K)."""

    def set_model(self, model: Any, **_: Any) -> None:
        self.model = model
        self.category_mapping = {"0": "object"}

    def perform_inference(self, image: np.ndarray) -> None:
        self.perform_batch_inference([image])

    def perform_batch_inference(self, images: list[np.ndarray]) -> None:
        self._original_predictions = self.model(np.stack(images))
        self._original_shapes = [image.shape for image in images]

    def _create_object_prediction_list_from_original_predictions(
        self, shift_amount_list: Any = None, full_shape_list: Any = None
    ) -> None:
        shifts = fix_shift_amount_list(shift_amount_list or [[0, 0]])
        shapes = fix_full_shape_list(full_shape_list) or [None] * len(shifts)
        boxes, scores, classes = self._original_predictions
        self._object_prediction_list_per_image = [
            [
                ObjectPrediction(
                    bbox=boxes[n, k].tolist(),
                    score=float(scores[n, k]),
                    category_id=int(classes[n, k]),
                    category_name="object",
                    shift_amount=shifts[n],
                    full_shape=shapes[n],
                )
                for k in np.flatnonzero(scores[n] >= self.confidence_threshold)
            ]
            for n in range(len(boxes))
        ]


def onnx_model(path: str, threads: int, tile: int, batch: int) -> Any:
    """An ONNX Runtime session with the session options of every other side, warmed up with one batch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(tiles: np.ndarray) -> list[np.ndarray]:
        return session.run(["boxes", "scores", "classes"], {name: tiles})

    run(np.zeros((batch, tile, tile, 3), np.uint8))
    return run


def instant_model(answer: str) -> Any:
    """Answers every batch with the same boxes: an .npz of boxes (K, 4), scores (K,), classes (K,)."""
    with np.load(answer) as arrays:
        one = [arrays["boxes"], arrays["scores"], arrays["classes"]]

    def run(tiles: np.ndarray) -> list[np.ndarray]:
        return [np.broadcast_to(array, (len(tiles), *array.shape)) for array in one]

    return run


def real_then_instant_model(real: Any, instant: Any, batches: int) -> Any:
    """The first `batches` batches go through the real model, whose answer is left out: its memory is held as well."""
    left = batches

    def run(tiles: np.ndarray) -> list[np.ndarray]:
        nonlocal left
        if left:
            left -= 1
            real(tiles)
        return instant(tiles)

    return run
