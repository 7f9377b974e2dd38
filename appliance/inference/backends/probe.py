"""Tiles that every backend is measured and compared on. Pure, and the same for ever: a choice that is remembered was made on
them. Called by measure.py; no scene is at hand when a model is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.model_package import ModelInput
from appliance.inference.normalise import normaliser, restorer

_SEED = 5
_PATCH = 16
"""Pixels; things to be found are about this large, and larger where neighbours are alike."""


def tiles(source: ModelInput, count: int) -> NDArray[Any]:
    """`count` tiles as the model takes them."""
    return prepared(source, raw(source, count))


def raw(source: ModelInput, count: int) -> NDArray[Any]:
    """`count` tiles before any normalisation, in the model's layout and type: patches bright and dark, with noise. Integers
    use the low 12 bits at most, as sensors do; real numbers are spread so that the model sees mean 0 and deviation 1."""
    random = np.random.default_rng(_SEED)
    shape = source.tile_shape
    side, channel = source.tile_size, shape.index(len(source.bands), 0 if source.layout == "nchw" else 2)
    patches = -(-side // _PATCH)
    coarse = random.uniform(0, 1, (count, patches, patches)).astype(np.float32)
    plane = np.kron(coarse, np.ones((1, _PATCH, _PATCH), np.float32))[:, :side, :side]
    values = np.expand_dims(plane, channel + 1) * 0.9 + random.uniform(0, 0.1, (count, *shape)).astype(np.float32)
    if source.dtype != "float32":
        return (values * min(np.iinfo(source.dtype).max, 4095)).astype(source.dtype)
    spread = ((values - 0.5) / 0.29).astype(np.float32)
    restorer(source)(spread)
    return spread


def prepared(source: ModelInput, raw_tiles: NDArray[Any]) -> NDArray[Any]:
    """A copy as the host hands it over."""
    given = raw_tiles.copy()
    normaliser(source)(given)
    return given
