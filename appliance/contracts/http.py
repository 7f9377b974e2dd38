"""The bodies of the HTTP API that are not records of their own: requests, pages, uploads. Spoken by the API, the CLI and the page."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import Field

from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.base import Contract, DatasetId, Instant, Name, Sha256, Text
from appliance.contracts.detector import Detector
from appliance.contracts.errors import Code
from appliance.contracts.item import Item
from appliance.contracts.model_package import Manifest
from appliance.contracts.snapshot import PixelWindow, SnapshotManifest

T = TypeVar("T")


class Page(Contract, Generic[T]):
    """One page of a list; `next` is the cursor of the following page, None at the end."""

    items: list[T]
    next: str | None = None


class Problem(Contract):
    """RFC 9457, with our code and the remedy."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: Code
    remedy: str = ""


class NewDataset(Contract):
    name: Name
    title: Text = ""


class Dataset(Contract):
    id: DatasetId
    name: Name
    title: Text = ""
    items: int = Field(default=0, ge=0, description="How many items it holds.")
    created_at: Instant


class NewItem(Contract):
    """What a push announces before it sends a byte."""

    name: str = Field(min_length=1, max_length=255)
    size_bytes: int = Field(ge=0)
    sha256: Sha256


class UploadPart(Contract):
    """One part of a multipart upload, numbered from 1; `url` takes a PUT, None once the part is there."""

    number: int = Field(ge=1, le=10_000)
    size_bytes: int = Field(ge=0)
    url: str | None = None
    done: bool = False


class Upload(Contract):
    """Where to send the bytes. Asked for again, it names what is still missing, with fresh URLs."""

    part_size_bytes: int = Field(gt=0)
    parts: list[UploadPart]
    expires_at: Instant


class ItemUpload(Contract):
    """`upload` is None when the content is already known and whole."""

    item: Item
    upload: Upload | None = None


class NewRun(Contract):
    """`version` None asks for the newest."""

    detector: Name
    version: str | None = None


class PackageFile(Contract):
    name: str = Field(min_length=1, max_length=100)
    size_bytes: int = Field(ge=0)
    sha256: Sha256


class NewDetector(Contract):
    manifest: Manifest
    digest: Sha256
    files: list[PackageFile] = Field(min_length=1, max_length=20)
    subscribe: list[Name] = Field(default=[], max_length=1000)


class DetectorUpload(Contract):
    """`detector` is given, and `uploads` empty, when the package is already known and whole."""

    detector: Detector | None = None
    uploads: dict[str, Upload] = {}


class NewToken(Contract):
    name: str = Field(min_length=1, max_length=100)


class Token(Contract):
    """`token` is shown once, when it is made."""

    id: str
    name: str = ""
    token: str | None = None
    created_at: Instant | None = None


class NewLink(Contract):
    name: str | None = Field(default=None, max_length=100)


class Link(Contract):
    """A one-time link that signs in whoever opens it first."""

    url: str
    expires_at: Instant


class NewAnnotations(Contract):
    """`source` names the label file: importing the same source again replaces what it said of the same items."""

    source: str = Field(min_length=1, max_length=255)
    records: list[AnnotationRecord] = Field(max_length=100_000)


class AnnotationCounts(Contract):
    items: int = Field(ge=0)
    annotations: int = Field(ge=0)
    replaced: int = Field(default=0, ge=0)


class SnapshotSelection(Contract):
    """One item by its name; `windows` empty means all of it."""

    name: str
    windows: list[PixelWindow] = Field(default=[], max_length=10_000)


class NewSnapshot(Contract):
    """`items` None takes every ready item."""

    items: list[SnapshotSelection] | None = Field(default=None, max_length=100_000)


class SnapshotRecord(Contract):
    digest: Sha256
    manifest: SnapshotManifest
    created_at: Instant | None = None


class SnapshotFile(Contract):
    """`path` is relative to the snapshot's folder; `url` is pre-signed."""

    path: str
    url: str


class SnapshotFiles(Contract):
    manifest: SnapshotManifest
    files: list[SnapshotFile]


class Evaluation(Contract):
    """A run against the annotations of its item, matched one to one at `overlap` (IoU)."""

    threshold: float
    overlap: float
    precision: float | None
    recall: float | None
    true_positives: int
    false_positives: int
    false_negatives: int
