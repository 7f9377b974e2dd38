"""What a TrainingJob is to do: train a model package on snapshots, within bounds, and hand it over."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from appliance.contracts.resources.base import (
    Digest,
    DnsName,
    Fraction,
    Metric,
    PackageUri,
    Resource,
    SemanticVersion,
)
from appliance.contracts.resources.rules import Rule, Transition, immutable, one_of
from appliance.contracts.resources.scheduling import (
    KeyReference,
    LocalReference,
    NodeSelector,
    PullSecrets,
    Resources,
    Tolerations,
)
from appliance.contracts.resources.training_options import TrainingOptions

_ANOTHER = "what was trained must stay known; make another TrainingJob"


class Snapshots(Resource):
    """Immutable snapshots by digest, never names that move."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.train != self.validation && (!has(self.test) || (self.test != self.train && self.test != self.validation))",
            "train, validation and test must be different snapshots: a model is not measured on what it was trained on",
            lambda data: len({data.train, data.validation, data.test}) == 3,
        ),
    )

    train: Digest = Field(description="The digest of the snapshot to train on.")
    validation: Digest = Field(description="The digest of the snapshot that chooses weights and running point.")
    test: Digest | None = Field(
        default=None, description="The digest of the snapshot that is only measured, at the end."
    )


class Origin(Resource):
    """The model package that a fine-tuning begins with."""

    storage_uri: PackageUri = Field(description="The folder of the model package in the object store.")
    digest: Digest | None = Field(
        default=None, description="Its digest; another content is refused. Absent: any content."
    )


class ConfigurationSource(Resource):
    """How to train."""

    rules: ClassVar[tuple[Rule, ...]] = (one_of("inline", "configMapRef"),)

    inline: TrainingOptions | None = Field(
        default=None, description="The configuration itself, as in the file of `vedette train -f`."
    )
    config_map_ref: KeyReference | None = Field(
        default=None, description="A ConfigMap that holds that file. Read once, when the job starts."
    )


class Goal(Resource):
    """What counts as success."""

    metric: Metric = Field(description="What is measured on the test snapshot, or the validation snapshot without one.")
    minimum: Fraction = Field(description="The least value; status.verdict.goalMet says whether it was reached.")


class Checkpoint(Resource):
    """How much work a lost pod costs."""

    every_seconds: int = Field(
        default=300,
        ge=10,
        le=86_400,
        description="The most seconds between two checkpoints in the object store; a lost pod resumes there.",
    )


class Publish(Resource):
    """Where the trained model package goes."""

    model: DnsName = Field(description="The model's name.")
    version: SemanticVersion = Field(description="The version; one that exists with other content is refused.")
    detector_ref: LocalReference | None = Field(
        default=None,
        description="The Detector that gets the new version as its canary. Only where status.verdict.goalMet is true.",
    )


class TrainingJobSpec(Resource):
    """What the job is to do."""

    transitions: ClassVar[tuple[Transition, ...]] = (
        immutable("dataset", _ANOTHER),
        immutable("from", _ANOTHER, optional=True),
        immutable("configuration", _ANOTHER),
        immutable("numNodes", _ANOTHER),
        immutable("publish", _ANOTHER, optional=True),
        immutable("managedBy", "a job keeps its manager; make another TrainingJob", optional=True),
        Transition(
            "self.retry >= oldSelf.retry",
            "retry only counts up: raise it by one to run a failed job again",
            lambda new, old: new.retry >= old.retry,
            "retry",
        ),
    )

    dataset: Snapshots = Field(description="The snapshots to train on, to choose by and to measure on.")
    from_: Origin | None = Field(
        default=None, alias="from", description="The model package to fine-tune. Absent: begin anew."
    )
    configuration: ConfigurationSource = Field(description="How to train.")
    goal: Goal | None = Field(default=None, description="What counts as success.")
    num_nodes: int = Field(
        default=1, ge=1, le=64, description="How many pods train together, each on a node of its own."
    )
    resources_per_node: Resources = Field(default=Resources(), description="What each pod may use.")
    checkpoint: Checkpoint = Field(default=Checkpoint(), description="How much work a lost pod costs.")
    suspend: bool = Field(
        default=False, description="true: no pods until false; training then resumes at the last checkpoint."
    )
    active_deadline_seconds: int = Field(
        default=86_400,
        ge=60,
        le=31_536_000,
        description="How long the job may run, in seconds; then it is Failed. Time suspended does not count.",
    )
    backoff_limit: int = Field(default=3, ge=0, le=100, description="How many failures of a pod the job survives.")
    retry: int = Field(
        default=0, ge=0, le=1_000_000, description="Raise by one to run a job again that is Failed; nothing else does."
    )
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=315_360_000)] | None = Field(
        default=None, description="How long a finished job is kept, in seconds. Absent: until it is deleted."
    )
    publish: Publish | None = Field(
        default=None,
        description="Where the model package goes. Absent: it stays with the job, under its name and version 0.0.0.",
    )
    managed_by: Literal["vedette.io/operator", "kueue.x-k8s.io/multikueue"] | None = Field(
        default=None, description="Who runs the job. Absent: Vedette's operator, which leaves alone what others manage."
    )
    node_selector: NodeSelector = {}
    tolerations: Tolerations = []
    image_pull_secrets: PullSecrets = []
