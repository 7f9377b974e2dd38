"""Lists: every list the API gives is a page `{items, next}`; `next` is an opaque cursor for `?cursor=`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from appliance.api.views.accounts import TokenView
from appliance.contracts.annotation import Annotation
from appliance.contracts.base import Contract, DatasetId, Instant, Name, Sha256
from appliance.contracts.detection import Detection
from appliance.contracts.detector import Detector
from appliance.contracts.item import Item
from appliance.contracts.run import Run

Priority = Annotated[int, Field(ge=-10, le=10, description="Runs of a higher one go first; 0 is usual.")]


class DatasetView(Contract):
    id: DatasetId
    name: Name
    title: str = ""
    priority: Priority = 0
    created_at: Instant
    items: int = Field(default=0, ge=0, description="How many items it holds, whatever their state.")


class ChangeDataset(Contract):
    """What is left out stays as it is."""

    title: str | None = Field(default=None, max_length=200)
    priority: Priority | None = None


class NewDataset(Contract):
    name: Name
    title: str = Field(default="", max_length=200)


class SnapshotView(Contract):
    digest: Sha256
    dataset: Name
    items: int
    annotations: int
    labels: list[str]
    created_at: Instant
    created_by: str


class TokenPage(Contract):
    items: list[TokenView]
    next: str | None = None


class DatasetPage(Contract):
    items: list[DatasetView]
    next: str | None = None


class ItemPage(Contract):
    items: list[Item]
    next: str | None = None


class RunPage(Contract):
    items: list[Run]
    next: str | None = None


class DetectorPage(Contract):
    items: list[Detector]
    next: str | None = None


class DetectionPage(Contract):
    """`run_id` and `ordinal` name a detection for ever; pages come in the order of ordinals."""

    items: list[Detection]
    next: str | None = None
    total: int | None = Field(default=None, description="How many match, on the first page only.")


class AnnotationPage(Contract):
    items: list[Annotation]
    next: str | None = None


class SnapshotPage(Contract):
    items: list[SnapshotView]
    next: str | None = None
