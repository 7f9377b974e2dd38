"""Bodies of multipart uploads, for items and for the files of a model package."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from appliance.contracts.base import Contract, Instant, Name, Sha256
from appliance.contracts.detector import Detector
from appliance.contracts.item import Item
from appliance.contracts.model_package import Manifest


class UploadPart(Contract):
    """One part: PUT its bytes to `url`. `url` is None when the part is done, or when more than a thousand parts are
    missing and this one's turn has not come: ask again."""

    number: int = Field(ge=1, le=10_000)
    size_bytes: int = Field(ge=1)
    url: str | None = None
    done: bool = False


class Upload(Contract):
    part_size_bytes: int
    parts: list[UploadPart]
    expires_at: Instant


class NewItem(Contract):
    name: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    size_bytes: int = Field(ge=1)
    sha256: Sha256


class ItemUpload(Contract):
    """`upload` is None when the content is there already."""

    item: Item
    upload: Upload | None = None


class PackageFile(Contract):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    size_bytes: int = Field(ge=1)
    sha256: Sha256


class NewDetector(Contract):
    """A model package to be served. `digest` is that of formats.model_package; `subscribe` names datasets whose items
    get a run by themselves; None leaves the subscriptions as they are."""

    manifest: Manifest
    digest: Sha256
    files: list[PackageFile] = Field(min_length=1, max_length=20)
    subscribe: list[Name] | None = Field(default=None, max_length=1000)


class ChangeDetector(Contract):
    """The datasets whose items get a run by themselves; other versions of the detector lose theirs."""

    subscribe: list[Name] = Field(max_length=1000)


class DetectorUpload(Contract):
    """`detector` is set, and `uploads` empty, when this package is there already."""

    detector: Detector | None = None
    uploads: dict[str, Upload] = {}
