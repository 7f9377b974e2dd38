"""What a Job's container says when it ends, in its termination message: one JSON of at most 4096 bytes (ADR 16).

Written by appliance/inference and appliance/training, read by the operator from the pod. A failure is one sentence instead.
An engine Job says an EngineStatus.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from appliance.contracts.base import Contract, Score
from appliance.contracts.resources.training_status import PublishedPackage, Verdict

DONE, BROKE, HOPELESS, LATER, STOPPED = 0, 1, 64, 75, 143
"""Exit codes. HOPELESS (EX_USAGE of sysexits.h) would fail again however often it is tried, so the Job fails at once; LATER
(EX_TEMPFAIL) met servers that were away; STOPPED was told to stop (SIGTERM)."""
TERMINATION_LOG = "/dev/termination-log"
LIMIT_BYTES = 4096


class GateMeasure(Contract):
    """Of one gate: the value of the candidate, and of the version that serves where the gate compares."""

    value: Score
    baseline: Score | None = None


class GateReport(Contract):
    """In the order of the gates in the task."""

    measures: Annotated[list[GateMeasure], Field(max_length=16)]


class TrainingReport(Contract):
    """What the trainer's first pod says when all is done."""

    model_package: PublishedPackage
    verdict: Verdict
