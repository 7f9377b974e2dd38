"""What a tile request asks for, parsed once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from appliance.contracts.errors import Code, VedetteError

_MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


class TileAddress(NamedTuple):
    """A tile of OGC WebMercatorQuad; y grows south."""

    z: int
    x: int
    y: int

    @property
    def exists(self) -> bool:
        return self.x < 1 << self.z and self.y < 1 << self.z


@dataclass(frozen=True)
class AnnotationTileFilter:
    """What a vector tile of annotations holds: what people said on the page too, or label files alone. Above
    `counts_above` shapes it gives counts; None: never."""

    people: bool = True
    counts_above: int | None = None


class Stretch(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True)
class RasterStyle:
    """How to show a scene: `bands` counted from 1 (None: the scene's own red, green, blue, or its first);
    `stretch` one for all bands or one per band (None: as recorded)."""

    extension: Literal["png", "jpg", "webp"]
    bands: tuple[int, ...] | None = None
    stretch: tuple[Stretch, ...] | None = None

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self.extension]

    @classmethod
    def parse(cls, extension: Literal["png", "jpg", "webp"], bands: str | None, rescale: str | None) -> RasterStyle:
        """Raises VedetteError(INVALID) on what is not `1,2,3` or `lo,hi[,lo,hi...]`."""
        return cls(extension, _bands(bands) if bands else None, _stretch(rescale) if rescale else None)


def _bands(text: str) -> tuple[int, ...]:
    numbers = tuple(int(part) for part in text.split(","))
    if len(numbers) not in {1, 3} or min(numbers) < 1:
        raise VedetteError(Code.INVALID, f"bands={text} is not one or three bands.", "Give bands=1 or bands=4,3,2.")
    return numbers


def _stretch(text: str) -> tuple[Stretch, ...]:
    wrong = VedetteError(Code.INVALID, f"rescale={text} is not lo,hi with lo < hi.", "Give rescale=0,3000.")
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise wrong from error
    pairs = tuple(Stretch(low, high) for low, high in zip(values[::2], values[1::2], strict=False))
    if len(values) not in {2, 6} or not all(math.isfinite(v) for v in values) or any(p.low >= p.high for p in pairs):
        raise wrong
    return pairs
