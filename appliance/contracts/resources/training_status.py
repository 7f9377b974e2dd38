"""What a TrainingJob has come to: written by the operator, read by `kubectl describe` and the page."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from appliance.contracts.resources.base import (
    Count,
    Digest,
    Fraction,
    PackageUri,
    Resource,
    Seconds,
    Short,
    atomic_list,
    map_list,
)
from appliance.contracts.resources.conditions import Conditions, FailureInfo, ObservedGeneration

State = Literal["Pending", "Running", "Suspended", "Complete", "Failed"]


class MetricValue(Resource):
    """One figure."""

    name: Short = Field(description="The metric.")
    value: float = Field(description="Its value.")


class TrainerStatus(Resource):
    """What the trainer last said."""

    progress_percentage: int = Field(ge=0, le=100, description="How much is done, in percent.")
    estimated_remaining_seconds: Seconds | None = Field(default=None, description="How long it will take, in seconds.")
    epoch: Count | None = Field(default=None, description="The epoch it is in.")
    metrics: list[MetricValue] = Field(
        default=[],
        max_length=32,
        description="Figures on the validation snapshot, the goal's first.",
        json_schema_extra=atomic_list(),
    )
    last_updated_time: AwareDatetime = Field(description="When the trainer said so.")


class PublishedPackage(Resource):
    """The model package that came out."""

    storage_uri: PackageUri = Field(description="The folder of the model package in the object store.")
    digest: Digest = Field(description="Its digest.")


class ContextFigure(Resource):
    """A figure of the items of one context."""

    context: Short = Field(description="The context: snow, fog, a season, a sensor.")
    value: Fraction = Field(description="The goal's metric on these items.")
    items: Count = Field(description="How many items.")


class Verdict(Resource):
    """What the figures mean."""

    fit: Literal["Good", "Overfit", "Underfit"] = Field(
        description="Good; Overfit: much better on the training snapshot than on the others; Underfit: good on none."
    )
    goal_met: bool = Field(description="Whether spec.goal was reached.")
    by_context: list[ContextFigure] = Field(
        default=[],
        max_length=100,
        description="The goal's metric by context, worst first.",
        json_schema_extra=map_list("context"),
    )
    outliers: Count = Field(default=0, description="How many annotations look wrong or strange.")


class TrainingJobStatus(Resource):
    """What the job has come to."""

    observed_generation: ObservedGeneration = None
    conditions: Conditions = []
    state: State | None = Field(default=None, description="Pending, Running, Suspended, Complete or Failed.")
    retry: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="The spec.retry that the state is of."
    )
    start_time: AwareDatetime | None = Field(default=None, description="When its pods were first asked for.")
    completion_time: AwareDatetime | None = Field(default=None, description="When it became Complete or Failed.")
    active_seconds: Seconds | None = Field(
        default=None, description="How long it was not suspended, up to activeSince."
    )
    active_since: AwareDatetime | None = Field(default=None, description="Since when it is not suspended.")
    trainer_status: TrainerStatus | None = Field(default=None, description="What the trainer last said.")
    model_package: PublishedPackage | None = Field(default=None, description="The model package that came out.")
    verdict: Verdict | None = Field(default=None, description="What the figures mean.")
    failures: Count | None = Field(default=None, description="How many pods have failed; backoffLimit bounds it.")
    last_failure_info: FailureInfo | None = Field(default=None, description="The last failure of a pod.")
