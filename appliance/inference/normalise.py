"""What a manifest leaves to the host before the model sees a tile. Used by feeder.py, and where backends are measured.

The same steps in the same order as graphs/on_device_front.py puts into a graph, so that not a bit differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.model_package import ModelInput

InPlace = Callable[[NDArray[Any]], None]
"""Takes float32 tiles in the model's layout, (N, side, side, bands) or (N, bands, side, side)."""


def normaliser(model: ModelInput) -> InPlace:
    """(value * scale - mean) / standard_deviation in place, where the manifest leaves it to the host."""
    if model.normalisation.where == "graph":
        return lambda _: None
    scale, mean, deviation = _numbers(model)

    def normalise(pixels: NDArray[Any]) -> None:
        pixels *= scale
        pixels -= mean
        pixels /= deviation

    return normalise


def restorer(model: ModelInput) -> InPlace:
    """What `normaliser` turns into the values that are given, to within rounding."""
    if model.normalisation.where == "graph":
        return lambda _: None
    scale, mean, deviation = _numbers(model)

    def restore(pixels: NDArray[Any]) -> None:
        pixels *= deviation
        pixels += mean
        pixels /= scale

    return restore


def _numbers(model: ModelInput) -> tuple[np.float32, NDArray[np.float32], NDArray[np.float32]]:
    wanted = model.normalisation
    shape = (1, 1, 1, -1) if model.layout == "nhwc" else (1, -1, 1, 1)
    mean = np.asarray(wanted.mean or [0.0], np.float32).reshape(shape)
    deviation = np.asarray(wanted.standard_deviation or [1.0], np.float32).reshape(shape)
    return np.float32(wanted.scale), mean, deviation
