"""What a Detector is: written by the operator, read by `kubectl describe` and the page. Enough without any logs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from appliance.contracts.resources.base import (
    Count,
    Digest,
    Fraction,
    Metric,
    Resource,
    SemanticVersion,
    Sentence,
    Short,
    map_list,
)
from appliance.contracts.resources.conditions import Conditions, FailureInfo, ObservedGeneration


class GateResult(Resource):
    """What one gate measured."""

    snapshot: Digest = Field(description="The snapshot's digest.")
    metric: Metric = Field(description="What was measured.")
    state: Literal["Pending", "Passed", "Failed"] = Field(description="Whether the version may take traffic for it.")
    value: Fraction | None = Field(default=None, description="What the version reached.")
    required: Fraction | None = Field(default=None, description="What it had to reach.")


class EngineStatus(Resource):
    """What computes the model now."""

    key: Short = Field(description="What the engine was built for: package, card, library versions and precision.")
    backend: Literal["tensorrt", "onnxruntime", "openvino", "torch"] = Field(description="The library.")
    precision: Literal["fp32", "fp16", "int8"] = Field(description="The precision that runs.")
    gpu: Short | None = Field(default=None, description="The card's name.")
    build_seconds: Annotated[float, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="How long building it took, in seconds."
    )
    job: Short | None = Field(default=None, description="The Job that built it.")


class CanaryStatus(Resource):
    """A version on its way."""

    version: SemanticVersion = Field(description="The version.")
    digest: Digest = Field(description="The digest of its package.")
    percent: int = Field(ge=0, le=100, description="Which part of the runs it gets; 0 before its gates have passed.")
    started_at: AwareDatetime = Field(description="When its rollout began; the progress deadline counts from here.")
    ready_since: AwareDatetime | None = Field(default=None, description="Since when its pods are ready.")
    gates: list[GateResult] = Field(
        default=[],
        max_length=16,
        description="What each gate measured.",
        json_schema_extra=map_list("snapshot", "metric"),
    )
    gate_job: Short | None = Field(default=None, description="The Job that measured them.")
    engine: EngineStatus | None = Field(default=None, description="What computes it.")


class RejectedVersion(Resource):
    """A version that was tried and did not take over."""

    version: SemanticVersion = Field(description="The version.")
    digest: Digest = Field(description="The digest of its package.")
    reason: Short = Field(description="Why, in one word.")
    message: Sentence = Field(description="Why: which metric on which snapshot, or which pod.")
    retry: int = Field(ge=0, le=1_000_000, description="spec.rollout.retry at that time; a higher one tries it again.")


class RunningPointStatus(Resource):
    """The running point in use."""

    threshold: Fraction = Field(description="The least score of a detection.")
    source: Literal["package", "spec"] = Field(description="Where it comes from.")


class ReplicaStatus(Resource):
    """Pods."""

    desired: Count = Field(description="How many there should be.")
    ready: Count = Field(description="How many take work.")
    unschedulable: Count = Field(default=0, description="How many no node has room for.")
    low_since: AwareDatetime | None = Field(
        default=None, description="Since when fewer would be enough; one goes after scaleDownAfterSeconds."
    )


class QueueStatus(Resource):
    """What waits."""

    pending_megapixels: Annotated[float, Field(ge=0)] = Field(description="Megapixels of runs that no pod has begun.")
    oldest_queued_at: AwareDatetime | None = Field(default=None, description="Since when the oldest of them waits.")


class DetectorStatus(Resource):
    """What the detector is."""

    observed_generation: ObservedGeneration = None
    conditions: Conditions = []
    current_version: SemanticVersion | None = Field(default=None, description="The version that serves.")
    current_digest: Digest | None = Field(default=None, description="The digest of its package.")
    current_storage_uri: Annotated[str, Field(max_length=512)] | None = Field(
        default=None, description="Where its package lies."
    )
    previous_version: SemanticVersion | None = Field(default=None, description="The version that served before.")
    canary: CanaryStatus | None = Field(default=None, description="The version on its way.")
    rejected: RejectedVersion | None = Field(default=None, description="The last version that did not take over.")
    engine: EngineStatus | None = Field(default=None, description="What computes the model now.")
    running_point: RunningPointStatus | None = Field(default=None, description="The running point in use.")
    replicas: ReplicaStatus | None = Field(default=None, description="How many pods there should be and are.")
    selector: Annotated[str, Field(max_length=512)] | None = Field(
        default=None, description="The labels of the pods, for the scale subresource."
    )
    queue: QueueStatus | None = Field(default=None, description="What waits for the detector.")
    last_failure_info: FailureInfo | None = Field(default=None, description="The last failure of a pod or Job.")
