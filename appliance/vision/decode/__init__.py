"""Outputs of a model become candidates in tile pixels, whole batches at once. One file per head, chosen by `decoder`.

Called by inference/collect.py. Knows the heads of contracts.model_package.DecodeHead, not where a tile lies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import DecodeHead
from appliance.vision.candidates import Candidates
from appliance.vision.decode import boxes, centre, masks

Outputs = Mapping[str, NDArray[Any]]
Decoder = Callable[[Outputs, float], Candidates]
"""(outputs by role, threshold) -> candidates whose `tile` is the place in the batch."""

ROLES = {
    "boxes": ("boxes", "scores", "classes"),
    "rotated-boxes": ("boxes", "scores", "classes"),
    "centre": ("heatmap", "size", "offset"),
    "instance-masks": ("boxes", "scores", "classes", "masks"),
}


def decoder(head: DecodeHead) -> Decoder:
    """The decoder of a head. It raises VedetteError(MODEL_PACKAGE) where an output is missing, has another shape, or scores
    that are not finite."""
    decode = {
        "boxes": boxes.axis_aligned,
        "rotated-boxes": boxes.rotated,
        "centre": centre.peaks,
        "instance-masks": masks.outlined,
    }[head.kind]
    names = {role: head.outputs.get(role, role) for role in ROLES[head.kind]}
    sure = "heatmap" if head.kind == "centre" else "scores"

    def run(outputs: Outputs, threshold: float) -> Candidates:
        by_role = {role: _output(outputs, name) for role, name in names.items()}
        _numbers(names[sure], by_role[sure])
        try:
            return _finite(decode(by_role, threshold, head))
        except (IndexError, ValueError) as error:
            shapes = ", ".join(f"{role} {array.shape}" for role, array in by_role.items())
            raise VedetteError(
                Code.MODEL_PACKAGE,
                f"The model's outputs do not fit the head {head.kind}: {shapes}.",
                "Correct decode in manifest.yaml, or export the model again.",
            ) from error

    return run


def _output(outputs: Outputs, name: str) -> NDArray[Any]:
    if name not in outputs:
        raise VedetteError(
            Code.MODEL_PACKAGE,
            f"The model has no output {name}; it has {', '.join(sorted(outputs))}.",
            "Name its outputs under decode.outputs in manifest.yaml.",
        )
    return outputs[name]


def _numbers(name: str, scores: NDArray[Any]) -> None:
    """A model whose scores overflow has seen nothing, and must not be taken for one that found nothing."""
    if not np.isfinite(scores).all():
        raise VedetteError(
            Code.MODEL_PACKAGE,
            f"The model's output {name} holds values that are not numbers (NaN or infinite).",
            "Export the model again at full precision, or train it again.",
        )


def _finite(candidates: Candidates) -> Candidates:
    good = np.isfinite(candidates.boxes).all(axis=1) & np.isfinite(candidates.scores)
    good &= (candidates.boxes[:, 2] > 0) & (candidates.boxes[:, 3] > 0)
    return candidates if good.all() else candidates.take(good)
