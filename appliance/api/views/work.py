"""Bodies of runs, their figures, annotation import, snapshots, readiness and problems."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.base import Contract, Instant, Name, Score, Sha256, Version
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.snapshot import PixelWindow, SnapshotManifest
from appliance.contracts.trace import TraceId

_MOST_CORNERS = 100_000
"""Of one polygon in a label file: a coastline may have many; a person draws with at most a tenth."""


class NewRun(Contract):
    """Without `version`, the newest of the detector."""

    detector: Name
    version: Version | None = None


class Histogram(Contract):
    """How many detections have which score: `counts[i]` lie in [i / n, (i + 1) / n), the last bin closed."""

    counts: list[int]
    total: int
    labels: dict[str, int]
    counts_by_label: dict[str, list[int]] = Field(default={}, description="`counts` of each label.")
    running_point: Score


class OperatingPoint(Contract):
    """Figures of the detections at or above `threshold` against the annotations, at IoU `Evaluation.overlap`."""

    threshold: Score
    precision: float
    recall: float
    f1: float
    true_positives: int
    false_positives: int
    false_negatives: int


class Evaluation(Contract):
    """`point` is at the threshold asked for (without one, the detector's running point); `curve` is for a slider."""

    overlap: Score
    by_label: bool = Field(description="False where the labels of both sides have nothing in common.")
    annotations: int
    detections: int
    point: OperatingPoint
    curve: list[OperatingPoint]


class AnnotationImport(Contract):
    """Replaces what the same source said of the items named in `records`: importing twice is importing once."""

    source: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    records: list[AnnotationRecord] = Field(max_length=200_000)

    @model_validator(mode="after")
    def _sound(self) -> AnnotationImport:
        for number, record in enumerate(self.records, start=1):
            rings = record.polygon or []
            if any(len(ring) < 3 for ring in rings) or record.polygon == []:
                raise _unsound(number, "a polygon needs three corners or more")
            if sum(map(len, rings)) > _MOST_CORNERS:
                raise _unsound(number, f"a polygon has more than {_MOST_CORNERS:,} corners")
            if any(letter < " " or letter == "\x7f" for letter in record.label):
                raise _unsound(number, "a label holds control characters")
        return self


def _unsound(number: int, why: str) -> VedetteError:
    return VedetteError(Code.LABELS, f"Record {number} cannot be kept: {why}.", "Correct the label file.")


class AnnotationCounts(Contract):
    items: int
    imported: int
    replaced: int
    overruled: int = Field(default=0, description="Left out, since a person has changed or deleted them.")


class SnapshotPart(Contract):
    """One item and the windows of it that belong to the snapshot; no windows means the whole item."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    windows: list[PixelWindow] = Field(default=[], max_length=10_000)


class NewSnapshot(Contract):
    """Without `items`, every ready item of the dataset."""

    items: list[SnapshotPart] | None = Field(default=None, min_length=1, max_length=100_000)


class SnapshotCreated(Contract):
    digest: Sha256
    manifest: SnapshotManifest


class SnapshotFile(Contract):
    path: str
    url: str


class SnapshotFiles(Contract):
    """Everything of the snapshot's folder, to be fetched from the store."""

    manifest: SnapshotManifest
    files: list[SnapshotFile]


class ServerState(Contract):
    """One server that the API needs. `problem` says what is wrong, `since` when that was first seen."""

    answers: bool
    problem: str = ""
    since: Instant | None = None


class Readiness(Contract):
    """`ready` when all three answer."""

    ready: bool
    database: ServerState
    messaging: ServerState
    store: ServerState


class Health(Contract):
    status: str = "ok"
    version: str


class ProblemField(Contract):
    """One field of the request that was not understood."""

    where: str
    message: str


class Problem(Contract):
    """RFC 9457 problem details; `detail` is one sentence for people and `remedy` says what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: Code
    remedy: str = ""
    fields: list[ProblemField] = []
    trace_id: TraceId | None = Field(default=None, description="In every log line about this request.")
