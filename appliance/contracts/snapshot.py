"""A snapshot: an immutable, content-addressed version of a dataset. What training and evaluation take, and nothing else.

On disk and in the store it is the same folder:

    manifest.json        canonical JSON (sorted keys, no spaces) of SnapshotManifest; the snapshot's digest is its sha256
    annotations.ndjson   one SnapshotAnnotation per line, sorted; its digest stands in the manifest
    items/<item_id>.tif  the normalised scenes (by reference in the store, copied by `vedette dataset pull`)
"""

from __future__ import annotations

from pydantic import Field

from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.base import Contract, ItemId, Metres, Name, Sha256
from appliance.contracts.item import Affine

MANIFEST_FILE = "manifest.json"
ANNOTATIONS_FILE = "annotations.ndjson"
ITEMS_FOLDER = "items"


class PixelWindow(Contract):
    """A rectangle of full-resolution pixels: the part of an item that a snapshot covers (a split by block)."""

    x: int = Field(ge=0)
    y: int = Field(ge=0)
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class SnapshotItem(Contract):
    """One item. `windows` empty means the whole item. An annotation belongs to a window that holds its box's centre."""

    item_id: ItemId
    name: str
    original_sha256: Sha256
    scene_sha256: Sha256
    width: int
    height: int
    gsd_metres: Metres | None = None
    crs: str | None = None
    transform: Affine
    windows: list[PixelWindow] = []


class SnapshotAnnotation(AnnotationRecord):
    item_id: ItemId


class SnapshotManifest(Contract):
    schema_version: int = 1
    dataset: Name
    items: list[SnapshotItem] = Field(min_length=1)
    labels: list[str]
    annotations: int = Field(ge=0)
    annotations_sha256: Sha256
