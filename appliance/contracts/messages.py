"""What travels through NATS JetStream: work, reports about work, and cancellation. The database stays the truth.

Streams (work queues keep a message until one worker has acknowledged it):
    MEDIA    media.normalise.<item>.<attempt>          NormaliseScene
    LANES    lanes.<worker>.<run>.<attempt>            DetectScene, placed by the API on one worker (ADR 0010)
    REPORTS  reports.item, reports.run  ItemReport, RunReport: consumed by the API alone
    EVENTS   events.>                   Event (events.py), kept for a day, for pages that resume
Key-value buckets: `workers` (WorkerAnnouncement by worker id, 15 s time to live), `cancelled` (run id -> its last attempt
that was cancelled, one day), `excused` (deliveries of a message that do not count as failures, one day); on a cluster
`queues` (DetectorQueue by detector, for the operator) and `training` (TrainerStatus by the uid of a TrainingJob).
A work message names its item or run and the attempt in its subject, so that the queue can be asked whether it holds it.
A message's `Nats-Msg-Id` is its natural identity plus the attempt, so that publishing twice delivers once.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from appliance.contracts.base import Contract, Instant, ItemId, Name, RunId, Sha256, Text, Version
from appliance.contracts.detection import RunSummary
from appliance.contracts.errors import Reason
from appliance.contracts.item import Asset, SceneInfo
from appliance.contracts.run import Progress

MEDIA_STREAM, MEDIA_SUBJECT, MEDIA_SUBJECTS = "MEDIA", "media.normalise", "media.>"
LANES_STREAM, LANES_SUBJECTS = "LANES", "lanes.>"
FORMER_STREAMS = ("DETECT",)
"""Work queues of older versions. What they held is in the database, from where it is placed."""
REPORTS_STREAM, REPORTS_SUBJECTS = "REPORTS", "reports.>"
EVENTS_STREAM, EVENTS_SUBJECTS = "EVENTS", "events.>"
WORKERS_BUCKET, CANCELLED_BUCKET, EXCUSED_BUCKET = "workers", "cancelled", "excused"
QUEUES_BUCKET, TRAINING_BUCKET = "queues", "training"
ITEM_REPORT_SUBJECT, RUN_REPORT_SUBJECT = "reports.item", "reports.run"
MAXIMUM_DELIVERIES = 5
"""Work that failed, or ended its worker, this often is given up with a reason. Handed back in order does not count."""


def detect_subject(detector: Name) -> str:
    """Names a run's message in the outbox; in the queue it stands in a lane."""
    return f"detect.{detector}"


def lane_subject(worker_id: UUID, run_id: RunId | None = None, attempt: int | None = None) -> str:
    """Of one run on a worker's lane; without a run, of all that are placed on it."""
    return f"lanes.{worker_id}.>" if run_id is None else f"lanes.{worker_id}.{run_id}.{attempt}"


def normalise_subject(item_id: ItemId, attempt: int) -> str:
    return f"{MEDIA_SUBJECT}.{item_id}.{attempt}"


class NormaliseScene(Contract):
    """Work for a media worker: make a COG of the original. Its digest is checked against what was announced."""

    item_id: ItemId
    name: str
    original_key: str
    original_sha256: Sha256
    size_bytes: int
    attempt: int = 1

    @property
    def subject(self) -> str:
        """Where it stands in the queue: no other work has the same."""
        return normalise_subject(self.item_id, self.attempt)


class DetectScene(Contract):
    """Work for a detector worker: everything it needs, so that it asks no one while it works."""

    run_id: RunId
    item_id: ItemId
    item_name: str
    scene_key: str
    scene: SceneInfo
    detector: Name
    version: Version
    package_prefix: str
    package_digest: Sha256
    attempt: int = 1
    worker_id: UUID
    memory_bytes: int = Field(default=0, ge=0, description="What it needs: a worker that has less hands it back.")
    workers_lost: int = Field(default=0, ge=0, description="Workers that ended without a word during this attempt.")

    @property
    def subject(self) -> str:
        """Where it stands in the queue: no other work has the same."""
        return lane_subject(self.worker_id, self.run_id, self.attempt)


class ItemStarted(Contract):
    kind: Literal["started"] = "started"


class ItemProgress(Contract):
    kind: Literal["progress"] = "progress"
    percent: float = Field(ge=0, le=100)


class ItemReady(Contract):
    kind: Literal["ready"] = "ready"
    scene: SceneInfo
    assets: list[Asset]


class WorkFailed(Contract):
    kind: Literal["failed"] = "failed"
    reason: Reason


class ItemReport(Contract):
    """From a media worker. A report of an older attempt is ignored."""

    item_id: ItemId
    attempt: int
    body: Annotated[ItemStarted | ItemProgress | ItemReady | WorkFailed, Field(discriminator="kind")]


class RunStarted(Contract):
    kind: Literal["started"] = "started"
    worker: str


class RunProgress(Contract):
    kind: Literal["progress"] = "progress"
    progress: Progress


class RunFinished(Contract):
    """The GeoParquet file lies under keys.detections(run_id); the API ingests it in one transaction."""

    kind: Literal["finished"] = "finished"
    summary: RunSummary
    detections_key: str


class RunCancelled(Contract):
    kind: Literal["cancelled"] = "cancelled"


class RunReturned(Contract):
    """The worker cannot do it at this moment; another may."""

    kind: Literal["returned"] = "returned"
    worker_id: UUID
    why: Text


class RunReport(Contract):
    """From a detector worker. A report of an older attempt is ignored."""

    run_id: RunId
    attempt: int
    body: Annotated[
        RunStarted | RunProgress | RunFinished | RunCancelled | RunReturned | WorkFailed, Field(discriminator="kind")
    ]


class DetectorQueue(Contract):
    """What waits for one detector: from the API to the operator, which scales by it. `busy`: runs that a worker is at."""

    pending_megapixels: float = Field(default=0.0, ge=0)
    oldest_queued_at: Instant | None = None
    busy: int = Field(default=0, ge=0)
