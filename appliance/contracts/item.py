"""An item: anything in a dataset. For now a scene or an image; its original, and what the media worker made of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field

from appliance.contracts.base import Contract, DatasetId, Instant, ItemId, Metres, Name, Sha256, Text
from appliance.contracts.errors import Reason
from appliance.contracts.trace import TraceId

Affine = tuple[float, float, float, float, float, float]
"""Pixel to ground, in the order of the `affine` library: x = a*col + b*row + c; y = d*col + e*row + f."""

LonLat = tuple[float, float]
BBox = tuple[float, float, float, float]
"""West, south, east, north."""


_NAMESPACE = uuid5(NAMESPACE_URL, "vedette.io/item")


def item_id(dataset: Name, sha256: Sha256) -> ItemId:
    """The identifier of some content in a dataset (UUID version 5): pushing the same content twice is one item."""
    return uuid5(_NAMESPACE, f"{dataset}/{sha256}")


class ItemState(StrEnum):
    UPLOADING = "uploading"
    QUEUED = "queued"
    NORMALISING = "normalising"
    READY = "ready"
    FAILED = "failed"


class AssetRole(StrEnum):
    ORIGINAL = "original"
    SCENE = "scene"
    THUMBNAIL = "thumbnail"


class Asset(Contract):
    """One object in the store."""

    role: AssetRole
    key: str = Field(max_length=1024)
    media_type: str = Field(max_length=200)
    size_bytes: int = Field(ge=0)
    sha256: Sha256 | None = None


class BandStatistics(Contract):
    """Over valid pixels of one band. `low` and `high` are the 2nd and 98th percentile: the display stretch."""

    name: str = Field(max_length=100)
    minimum: float
    maximum: float
    mean: float
    standard_deviation: float
    low: float
    high: float
    valid_percent: float = Field(ge=0, le=100)


class Footprint(Contract):
    """Where the valid extent of a scene lies on the earth: a WGS84 GeoJSON geometry, split at the antimeridian (RFC 7946)."""

    type: str = Field(pattern="^(Polygon|MultiPolygon)$")
    coordinates: list[list[list[LonLat]]] | list[list[list[list[float]]]] | list[list[list[float]]]


class SceneInfo(Contract):
    """What a normalised scene is: the COG's own grid, plus what it means on the ground.

    `crs` is WKT2 or `EPSG:n`, None for an image without georeference; `transform` is then the identity (pixel
    coordinates, y down). `gsd_metres` is the ground size of a pixel at the scene's centre, None without georeference.
    """

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    dtype: str = Field(max_length=20)
    bands: list[BandStatistics] = Field(min_length=1, max_length=2000)
    colour_interpretation: list[str] = Field(max_length=2000)
    block_size: tuple[int, int]
    overviews: list[int] = Field(max_length=64)
    nodata: float | None = None
    has_alpha: bool = False
    crs: str | None = Field(default=None, max_length=20000)
    transform: Affine
    gsd_metres: Metres | None = None
    footprint: Footprint | None = None
    bbox: BBox | None = None
    acquired_at: Instant | None = None
    driver: str = Field(max_length=40)
    notes: list[Text] = Field(default=[], max_length=50)


class Item(Contract):
    id: ItemId
    dataset_id: DatasetId
    dataset: Name
    name: Annotated[str, Field(min_length=1, max_length=255)]
    state: ItemState
    size_bytes: int = Field(ge=0)
    sha256: Sha256
    created_at: Instant
    progress_percent: float = Field(default=0, ge=0, le=100)
    scene: SceneInfo | None = None
    assets: list[Asset] = Field(default=[], max_length=20)
    reason: Reason | None = None
    trace_id: TraceId | None = Field(default=None, description="In every log line about the item and its runs.")
