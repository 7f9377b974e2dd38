"""A model package: a folder with manifest.yaml, model.onnx, metrics.json and MODEL_CARD.md, and perhaps variants of the
model in lower precision (model.int8.onnx). Reading it is in `formats`."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, model_validator

from appliance.contracts.base import Contract, Instant, Metres, Name, Score, Sha256, Version

MANIFEST_FILE = "manifest.yaml"
MODEL_FILE = "model.onnx"
METRICS_FILE = "metrics.json"
CARD_FILE = "MODEL_CARD.md"


class Precision(StrEnum):
    """In what numbers a model computes. `fp32` is model.onnx itself; the others are variants of it."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class Task(StrEnum):
    DETECT = "detect"
    DETECT_ROTATED = "detect-rotated"
    SEGMENT_INSTANCES = "segment-instances"


class TaxonomyClass(Contract):
    """A class by its path of one to four levels, coarse to fine; its place in the list is the model's class index."""

    path: tuple[str, ...] = Field(min_length=1, max_length=4)
    title: str = Field(default="", max_length=100)

    @property
    def label(self) -> str:
        return "/".join(self.path)


class GsdRange(Contract):
    """Ground sample distance: scenes are resampled to `nominal`; outside `minimum`..`maximum` a scene is refused."""

    minimum: Metres
    nominal: Metres
    maximum: Metres

    @model_validator(mode="after")
    def _ordered(self) -> GsdRange:
        if not self.minimum <= self.nominal <= self.maximum:
            raise ValueError("gsd_metres needs minimum <= nominal <= maximum")
        return self


class Normalisation(Contract):
    """value -> (value * scale - mean) / standard_deviation, per band.

    `graph`: the ONNX graph does it and takes raw pixels. `host`: the worker does it before inference.
    """

    where: Literal["graph", "host"] = "graph"
    scale: float = 1.0
    mean: list[float] = []
    standard_deviation: list[float] = []


class ModelInput(Contract):
    """What the ONNX graph takes: a batch of `tile_size` x `tile_size` tiles; the batch dimension is dynamic."""

    name: str = "tiles"
    bands: list[str] = Field(min_length=1, max_length=64)
    dtype: Literal["uint8", "uint16", "float32"] = "uint8"
    layout: Literal["nhwc", "nchw"] = "nhwc"
    tile_size: int = Field(ge=32, le=8192)
    halo: int = Field(ge=0, le=2048)
    gsd_metres: GsdRange | None = None
    normalisation: Normalisation = Normalisation()

    @property
    def tile_shape(self) -> tuple[int, int, int]:
        """Of one tile, as `layout` has it."""
        side, bands = self.tile_size, len(self.bands)
        return (side, side, bands) if self.layout == "nhwc" else (bands, side, side)

    @model_validator(mode="after")
    def _core(self) -> ModelInput:
        if self.tile_size <= 2 * self.halo:
            raise ValueError("tile_size must be larger than twice the halo: no core is left")
        return self

    @model_validator(mode="after")
    def _real_numbers(self) -> ModelInput:
        if self.normalisation.where == "host" and self.dtype != "float32":
            raise ValueError(f"normalisation by the host makes real numbers: dtype must be float32, not {self.dtype}")
        return self


class DecodeHead(Contract):
    """How the outputs of the ONNX graph become objects, in tile pixels. N tiles, K candidates, C classes.

    boxes:           boxes (N,K,4) float32 x0,y0,x1,y1; scores (N,K) float32; classes (N,K) int64
    rotated-boxes:   boxes (N,K,5) float32 x,y,width,height,angle in degrees (see PixelBox); scores; classes
    centre:          heatmap (N,C,H,W) float32 after sigmoid; size (N,2,H,W) width,height in pixels; offset (N,2,H,W)
                     Zhou et al. 2019, Objects as Points; peaks by a 3x3 maximum
    instance-masks:  boxes (N,K,4); scores; classes; masks (N,K,h,w) float32 probabilities over each box
    """

    kind: Literal["boxes", "rotated-boxes", "centre", "instance-masks"]
    outputs: dict[str, str] = {}
    stride: int = Field(default=4, ge=1, le=64)
    maximum_per_tile: int = Field(default=1000, ge=1, le=100_000)


class Step(Contract):
    """One processing step of a recipe, by its registered name."""

    step: Name
    parameters: dict[str, Any] = {}


class Recipe(Contract):
    before: list[Step] = Field(default=[], max_length=50)
    after: list[Step] = Field(default=[], max_length=50)


class RunningPoint(Contract):
    """Chosen on a validation snapshot. `overlap` is the IoU above which two detections are one object."""

    threshold: Score
    overlap: Score = 0.5
    chosen_on: Sha256 | None = None
    metric: str = "f1"


class Variant(Contract):
    """The same model in lower precision, with what it was measured to gain and to cost (`vedette detector optimise`).

    A variant is in a package only because it passed its gate. `speed_up`: how many times as fast as model.onnx, on
    this `backend` and `machine`. `loss`: by how much `metric` on `snapshot` is lower than with model.onnx at its own running point (negative:
    it is higher). `running_point` is the variant's own, because its scores are a little shifted. `layers_in_float` names
    the layers that were left out because they cost the most.
    """

    precision: Literal[Precision.FP16, Precision.INT8]
    file: str = Field(pattern=r"^model\.[a-z0-9]{1,20}\.onnx$")
    digest: Sha256
    backend: str = Field(max_length=200)
    machine: str = Field(default="", max_length=200)
    speed_up: float = Field(gt=0)
    metric: str = Field(max_length=50)
    value: float
    loss: float
    snapshot: Sha256
    calibration: Sha256 | None = None
    running_point: RunningPoint
    layers_in_float: list[str] = Field(default=[], max_length=10_000)


class Lineage(Contract):
    """Where a model comes from, so that it can be built again."""

    train: Sha256 | None = None
    validation: Sha256 | None = None
    test: Sha256 | None = None
    code: str = Field(default="", max_length=200)
    configuration: Sha256 | None = None
    initialised_from: str = Field(default="", max_length=400)
    seed: int = 0
    created_at: Instant | None = None


class Hardware(Contract):
    """What a worker must have. `working_bytes`: measured, of the model with one batch; None: estimated from its input."""

    gpu: bool = False
    working_bytes: int | None = Field(default=None, gt=0)


class Manifest(Contract):
    schema_version: Literal[1] = 1
    name: Name
    version: Version
    title: str = Field(default="", max_length=100)
    task: Task
    architecture: str = Field(max_length=100)
    taxonomy: list[TaxonomyClass] = Field(min_length=1, max_length=10_000)
    input: ModelInput
    decode: DecodeHead
    recipe: Recipe = Recipe()
    running_point: RunningPoint
    hardware: Hardware = Hardware()
    metrics: dict[str, float] = {}
    lineage: Lineage = Lineage()
    licence: str = Field(max_length=200)
    variants: list[Variant] = Field(default=[], max_length=8)

    @model_validator(mode="after")
    def _one_variant_each(self) -> Manifest:
        if len({each.precision for each in self.variants}) < len(self.variants):
            raise ValueError("a precision has more than one variant")
        if len({each.file for each in self.variants}) < len(self.variants):
            raise ValueError("two variants name the same file")
        return self

    def variant(self, precision: Precision) -> Variant | None:
        return next((each for each in self.variants if each.precision == precision), None)
