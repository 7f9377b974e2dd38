"""Changes to a crop that change nothing about what is on it. Pure numpy on uint8 (H,W,3); called by the data set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.training.configuration import Augmentation

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def turn(
    image: NDArray[np.uint8], boxes: NDArray[np.float32], quarter_turns: int, mirrored: bool
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Turn a square image and its boxes (n,4) by 90 degrees counter-clockwise so often; then mirror left and right."""
    size = np.float32(image.shape[0])
    for _ in range(quarter_turns % 4):
        image = np.rot90(image)
        boxes = np.stack([boxes[:, 1], size - boxes[:, 2], boxes[:, 3], size - boxes[:, 0]], axis=1)
    if mirrored:
        image = image[:, ::-1]
        boxes = np.stack([size - boxes[:, 2], boxes[:, 1], size - boxes[:, 0], boxes[:, 3]], axis=1)
    return np.ascontiguousarray(image), boxes


def recolour(image: NDArray[np.uint8], amounts: Augmentation, draw: np.random.Generator) -> NDArray[np.uint8]:
    """Other light: gain per band, saturation, contrast, brightness, noise, each drawn evenly within its amount."""
    x = image.astype(np.float32) / 255
    x *= 1 + draw.uniform(-amounts.channel_gain, amounts.channel_gain, 3).astype(np.float32)
    grey = (x @ _LUMA)[:, :, None]
    x = grey + (x - grey) * np.float32(1 + draw.uniform(-amounts.saturation, amounts.saturation))
    middle = x.mean()
    x = middle + (x - middle) * np.float32(1 + draw.uniform(-amounts.contrast, amounts.contrast))
    x += np.float32(draw.uniform(-amounts.brightness, amounts.brightness) / 2)
    if amounts.noise:
        x += draw.standard_normal(x.shape, np.float32) * np.float32(draw.uniform(0, amounts.noise))
    recoloured: NDArray[np.uint8] = (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)
    return recoloured
