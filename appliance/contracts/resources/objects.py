"""The two custom resources as whole objects, and what Kubernetes should know of each: columns, names, subresources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints

from appliance.contracts.resources.base import Resource, package_name
from appliance.contracts.resources.detector_spec import DetectorSpec
from appliance.contracts.resources.detector_status import DetectorStatus
from appliance.contracts.resources.rules import Rule, matches
from appliance.contracts.resources.training_spec import TrainingJobSpec
from appliance.contracts.resources.training_status import TrainingJobStatus

_NAMED = matches(
    r"[a-z]([-a-z0-9]{0,41}[a-z0-9])?",
    "metadata.name becomes part of the names of pods: at most 43 lower-case letters, digits and '-', beginning with a letter",
).rule
NAMED = Rule(
    _NAMED.cel.replace("self.", "self.metadata.name.", 1), _NAMED.message, lambda it: _NAMED.holds(it.metadata.name)
)


def _model(name: str) -> str:
    return f"{name}.split('/')[size({name}.split('/')) - 2]"


_OF_ITS_MODEL = Rule(
    f"self.metadata.name == {_model('self.spec.model.storageUri')}",
    "a detector bears the name of its model: give metadata.name the NAME of spec.model.storageUri, s3://BUCKET/models/NAME/VERSION",
    lambda it: it.metadata.name == package_name(it.spec.model.storage_uri),
)


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`; one with priority 1 is shown by `-o wide`."""

    name: str
    type: str
    path: str
    description: str
    priority: int = 0


@dataclass(frozen=True)
class Kind:
    """What the API server calls a resource and shows of it. `scale`: (spec, status, selector) paths."""

    kind: str
    plural: str
    short: str
    columns: tuple[Column, ...]
    scale: tuple[str, str, str] | None = None


def condition(kind: str) -> str:
    """The JSON path of a condition's status."""
    return f'.status.conditions[?(@.type=="{kind}")].status'


_AGE = Column("Age", "date", ".metadata.creationTimestamp", "How long ago it was made.")


class Metadata(Resource):
    """What we read of an object's metadata; whatever else Kubernetes keeps there is let through."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, StringConstraints(max_length=253)]
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    labels: dict[str, str] = {}


class DetectorResource(Resource):
    """A detector on this cluster: a model package that is served, scaled to what waits, and replaced with care."""

    rules: ClassVar[tuple[Rule, ...]] = (NAMED, _OF_ITS_MODEL)
    KIND: ClassVar[Kind] = Kind(
        "Detector",
        "detectors",
        "det",
        (
            Column("Ready", "string", condition("Ready"), "Whether it takes work."),
            Column("Version", "string", ".status.currentVersion", "The version that serves."),
            Column("Canary", "string", ".status.canary.version", "The version on its way."),
            Column("RunningPoint", "number", ".status.runningPoint.threshold", "The least score of a detection."),
            Column("Engine", "string", ".status.engine.backend", "What computes the model."),
            Column("Replicas", "integer", ".status.replicas.ready", "Pods that take work."),
            Column("Desired", "integer", ".status.replicas.desired", "Pods there should be.", 1),
            Column("Megapixels", "number", ".status.queue.pendingMegapixels", "What waits.", 1),
            Column("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', "Why it is Ready or not.", 1),
            _AGE,
        ),
        (".spec.scaling.minReplicas", ".status.replicas.desired", ".status.selector"),
    )

    api_version: Literal["vedette.io/v1alpha1"]
    kind: Literal["Detector"]
    metadata: Metadata
    spec: DetectorSpec = Field(description="What the detector is to be.")
    status: DetectorStatus = Field(
        default=DetectorStatus(), description="What the detector is. The operator writes it."
    )


class TrainingJobResource(Resource):
    """A training: from snapshots to a model package, resumed where it was lost, and handed over to a detector."""

    rules: ClassVar[tuple[Rule, ...]] = (NAMED,)
    KIND: ClassVar[Kind] = Kind(
        "TrainingJob",
        "trainingjobs",
        "tj",
        (
            Column("State", "string", ".status.state", "Pending, Running, Suspended, Complete or Failed."),
            Column("Progress", "integer", ".status.trainerStatus.progressPercentage", "How much is done, in percent."),
            Column("ETA", "integer", ".status.trainerStatus.estimatedRemainingSeconds", "Seconds that remain."),
            Column("Metric", "number", ".status.trainerStatus.metrics[0].value", "The goal's metric on validation."),
            Column("Goal", "boolean", ".status.verdict.goalMet", "Whether the goal was met.", 1),
            Column("Package", "string", ".status.modelPackage.storageUri", "The model package that came out.", 1),
            _AGE,
        ),
    )

    api_version: Literal["vedette.io/v1alpha1"]
    kind: Literal["TrainingJob"]
    metadata: Metadata
    spec: TrainingJobSpec = Field(description="What the job is to do.")
    status: TrainingJobStatus = Field(
        default=TrainingJobStatus(), description="What the job has come to. The operator writes it."
    )


AnyResource = DetectorResource | TrainingJobResource
RESOURCES: tuple[type[DetectorResource] | type[TrainingJobResource], ...] = (DetectorResource, TrainingJobResource)
