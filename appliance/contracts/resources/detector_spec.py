"""What a Detector is to be: the model package that runs, on which items, on how many pods, and how versions change."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from appliance.contracts.resources.base import (
    Digest,
    DnsName,
    Fraction,
    Metric,
    PackageUri,
    Resource,
    atomic_list,
    atomic_map,
    map_list,
)
from appliance.contracts.resources.rules import Rule, Transition, one_of
from appliance.contracts.resources.scheduling import KeyReference, NodeSelector, PullSecrets, Resources, Tolerations


class ModelSource(Resource):
    """A model package, by place and content."""

    transitions: ClassVar[tuple[Transition, ...]] = (
        Transition(
            "self.storageUri != oldSelf.storageUri || self.digest == oldSelf.digest",
            "a version never changes its content: publish the package as a new version and give its storageUri",
            lambda new, old: new.storage_uri != old.storage_uri or new.digest == old.digest,
            "digest",
        ),
    )

    storage_uri: PackageUri = Field(
        description="The folder of the model package in the object store: s3://BUCKET/models/NAME/VERSION. It holds the "
        "manifest, the ONNX graph, the metrics, the running point and the signature."
    )
    digest: Digest = Field(
        description="The digest of the package. What runs is what was "
        "evaluated: a package with other content is refused."
    )


class Batching(Resource):
    """How tiles are gathered for the model."""

    max_batch_size: int = Field(default=16, ge=1, le=1024, description="The most tiles that the model takes at once.")
    max_delay_milliseconds: int = Field(
        default=20, ge=0, le=10_000, description="How long a tile waits for others, in milliseconds."
    )


class Runtime(Resource):
    """What computes the model."""

    backend: Literal["auto", "tensorrt", "onnxruntime", "openvino", "torch"] = Field(
        default="auto",
        description="The library that runs the model. auto: TensorRT where the node has a card of NVIDIA, OpenVINO on "
        "Intel's processors, else ONNX Runtime. status.engine says which one runs.",
    )
    precision: Literal["fp32", "fp16", "int8"] = Field(
        default="fp16",
        description="The precision of the arithmetic. Where the card or the package lacks it, the next wider one runs "
        "and the condition EngineReady says so.",
    )
    batching: Batching = Field(default=Batching(), description="How tiles are gathered for the model.")


class Subscription(Resource):
    """A dataset whose new items get a run by themselves."""

    dataset: DnsName = Field(description="The dataset's name.")
    where: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = Field(
        default=None,
        description='Which items, by what is known of them (gsd_m, width_px, height_px, megapixels, bands): "gsd_m <= 0.5 and bands >= 3". Absent: every item.',
    )


class InlineStep(Resource):
    """One step, as in the recipe of a model package."""

    step: DnsName = Field(description="The step's registered name: percentile-stretch, minimum-size.")
    parameters: dict[Annotated[str, StringConstraints(max_length=63)], float] = Field(
        default={}, max_length=32, description="The step's parameters, each a number: {metres: 1.5}."
    )


class InlineRecipe(Resource):
    """Steps in the order in which they run."""

    before: list[InlineStep] = Field(
        default=[], max_length=50, description="Steps before the model, on pixels.", json_schema_extra=atomic_list()
    )
    after: list[InlineStep] = Field(
        default=[], max_length=50, description="Steps after the model, on detections.", json_schema_extra=atomic_list()
    )


class RecipeSource(Resource):
    """A recipe in place of the package's own."""

    rules: ClassVar[tuple[Rule, ...]] = (one_of("inline", "configMapRef"),)

    inline: InlineRecipe | None = Field(default=None, description="The recipe itself.")
    config_map_ref: KeyReference | None = Field(
        default=None, description="A ConfigMap that holds the recipe as YAML, the same as in a model package."
    )


class RunningPointChoice(Resource):
    """Either the package's running point, or one given here."""

    rules: ClassVar[tuple[Rule, ...]] = (
        one_of("from", "threshold"),
        Rule(
            "has(self.threshold) || (!has(self.overlap) && !has(self.minSizeMetres))",
            "overlap and minSizeMetres go with a threshold: give one, or remove them to keep the package's running point",
            lambda point: point.threshold is not None or (point.overlap is None and point.min_size_metres is None),
        ),
    )

    from_: Literal["package"] | None = Field(
        default=None, alias="from", description="package: the running point that was chosen on the validation snapshot."
    )
    threshold: Fraction | None = Field(default=None, description="The least score of a detection, 0 to 1.")
    overlap: Fraction | None = Field(
        default=None, description="The IoU above which two detections are one object. Absent: the package's."
    )
    min_size_metres: Annotated[float, Field(ge=0, le=100_000)] | None = Field(
        default=None, description="Objects whose shorter side is less are dropped, in metres on the ground."
    )


class Geofence(Resource):
    """An area outside of which, or inside of which, nothing is detected."""

    config_map_ref: KeyReference = Field(description="A ConfigMap that holds the area as GeoJSON in WGS84.")
    mode: Literal["include", "exclude"] = Field(
        default="include", description="include: detect only inside the area. exclude: only outside of it."
    )


class Scaling(Resource):
    """How many pods serve, by what waits for them."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.minReplicas <= self.maxReplicas",
            "minReplicas is above maxReplicas: lower it or raise maxReplicas",
            lambda scaling: scaling.min_replicas <= scaling.max_replicas,
            "minReplicas",
        ),
    )

    min_replicas: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="The fewest pods. 0: none while nothing waits. `kubectl scale` sets this field.",
    )
    max_replicas: int = Field(default=1, ge=1, le=1000, description="The most pods.")
    target_queued_megapixels: int = Field(
        default=500,
        ge=1,
        le=1_000_000_000,
        description="Megapixels that may wait for each pod; more ask for another pod.",
    )
    scale_down_after_seconds: int = Field(
        default=300,
        ge=0,
        le=86_400,
        description="How long fewer pods must have been enough before one goes, in seconds.",
    )


class Gate(Resource):
    """What a new version must reach on one snapshot before it takes traffic."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.minimum) || has(self.maxRegression)",
            "this gate asks for nothing: give minimum, maxRegression or both",
            lambda gate: gate.minimum is not None or gate.max_regression is not None,
        ),
    )

    snapshot: Digest = Field(description="The digest of the snapshot, as `vedette dataset snapshot` prints it.")
    metric: Metric = Field(
        description="What is measured at the running point: f1, precision or recall at an IoU of 0.5, or COCO's ap or ap50."
    )
    minimum: Fraction | None = Field(default=None, description="The least value of the metric that passes.")
    max_regression: Fraction | None = Field(
        default=None, description="How far the metric may fall below that of the version that serves now."
    )


class Rollout(Resource):
    """How a new version takes over."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.strategy == 'Canary' || !has(self.canaryPercent)",
            "canaryPercent goes with strategy Canary: remove it or set strategy: Canary",
            lambda rollout: rollout.strategy == "Canary" or rollout.canary_percent is None,
            "canaryPercent",
        ),
    )
    transitions: ClassVar[tuple[Transition, ...]] = (
        Transition(
            "self.retry >= oldSelf.retry",
            "retry only counts up: raise it by one to try a rejected version again",
            lambda new, old: new.retry >= old.retry,
            "retry",
        ),
    )

    strategy: Literal["Canary", "Recreate"] = Field(
        default="Canary",
        description="Canary: the new version serves a part of the runs first, then all. Recreate: once its gates have "
        "passed it takes all runs at once.",
    )
    canary_percent: Annotated[int, Field(ge=1, le=99)] | None = Field(
        default=None, description="Which part of the runs the canary gets, in percent. Absent: 10."
    )
    gates: list[Gate] = Field(
        default=[],
        max_length=16,
        description="What the new version must reach before any traffic. All must pass; one that fails keeps the "
        "version that serves, and the condition Degraded says which metric on which snapshot.",
        json_schema_extra=map_list("snapshot", "metric"),
    )
    progress_deadline_seconds: int = Field(
        default=900,
        ge=30,
        le=86_400,
        description="How long a rollout may take, in seconds; then the last version that was Ready serves on.",
    )
    retry: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Raise by one to try a version again that was rejected or ran out of time.",
    )


class DetectorSpec(Resource):
    """What the detector is to be."""

    model: ModelSource = Field(description="The model package that runs.")
    runtime: Runtime = Field(default=Runtime(), description="What computes the model: backend, precision, batches.")
    subscribe: list[Subscription] = Field(
        default=[],
        max_length=100,
        description="Datasets whose new items get a run by themselves.",
        json_schema_extra=map_list("dataset"),
    )
    recipe: RecipeSource | None = Field(
        default=None, description="Steps before and after the model. Absent: the package's own recipe."
    )
    running_point: RunningPointChoice | None = Field(
        default=None,
        description="Threshold and step parameters. Absent: the package's own, as with {from: package}.",
        json_schema_extra=atomic_map(),
    )
    geofence: Geofence | None = Field(default=None, description="Where detections count. Absent: everywhere.")
    scaling: Scaling = Field(default=Scaling(), description="How many pods serve, by what waits for them.")
    resources: Resources = Field(default=Resources(), description="What each pod may use.")
    node_selector: NodeSelector = {}
    tolerations: Tolerations = []
    image_pull_secrets: PullSecrets = []
    rollout: Rollout = Field(
        default=Rollout(),
        description="How a new version takes over: its engine is built and its gates pass before it takes any traffic; "
        "a regression or a missed deadline goes back to the last version that was Ready.",
    )
    suspend: bool = Field(
        default=False, description="true: no pods and no new runs, until false; what is queued waits. Nothing is lost."
    )
