"""How a model is trained, in the same YAML that `vedette train -f` takes; what is absent is the trainer's own default.

Part of TrainingJob. The trainer checks the whole again (training/configuration.py); a test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints

from appliance.contracts.resources.base import Resource, atomic_list
from appliance.contracts.resources.rules import Rule

_Share = Annotated[float, Field(ge=0, le=1)]
_Large = 1_000_000_000


class _Snake(Resource):
    """Names as in the file of `vedette train`, not camelCase."""

    model_config = ConfigDict(alias_generator=lambda name: name)


class GsdMetres(_Snake):
    """Ground sample distance, in metres."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.minimum <= self.nominal && self.nominal <= self.maximum",
            "gsd_metres needs minimum <= nominal <= maximum: put them in order",
            lambda gsd: gsd.minimum <= gsd.nominal <= gsd.maximum,
        ),
    )
    minimum: Annotated[float, Field(ge=0.000001)] = Field(description="The finest that a scene may have.")
    nominal: Annotated[float, Field(ge=0.000001)] = Field(description="The one that scenes are resampled to.")
    maximum: Annotated[float, Field(ge=0.000001)] = Field(description="The coarsest that a scene may have.")


class AugmentationOptions(_Snake):
    """How much a crop may differ from the scene it was cut from."""

    scale: Annotated[float, Field(ge=1, le=4)] | None = Field(default=None, description="Largest zoom in, and out.")
    brightness: _Share | None = Field(default=None, description="Change of brightness, 0 to 1.")
    contrast: _Share | None = Field(default=None, description="Change of contrast, 0 to 1.")
    saturation: _Share | None = Field(default=None, description="Change of saturation, 0 to 1.")
    channel_gain: _Share | None = Field(default=None, description="Change of each band by itself, 0 to 1.")
    noise: _Share | None = Field(default=None, description="Added noise, 0 to 1.")


class TrainingOptions(_Snake):
    """A training configuration, without what spec.publish says (name and version)."""

    title: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        default=None, description="The model's title on the page."
    )
    licence: Annotated[str, StringConstraints(max_length=200)] = Field(description="The licence of the model.")
    description: Annotated[str, StringConstraints(max_length=4000)] | None = Field(
        default=None, description="What the model is for, for its card."
    )
    limits: list[Annotated[str, StringConstraints(max_length=1024)]] | None = Field(
        default=None,
        max_length=20,
        description="Where the model should not be used, for its card.",
        json_schema_extra=atomic_list(),
    )
    gsd_metres: GsdMetres | None = Field(default=None, description="The ground sample distances the model is for.")
    tile_size: Annotated[int, Field(ge=64, le=4096, multiple_of=32)] | None = Field(
        default=None, description="Side of a tile in pixels."
    )
    halo: Annotated[int, Field(ge=0, le=1024)] | None = Field(
        default=None, description="Pixels around a tile's core that only give context."
    )
    maximum_per_tile: Annotated[int, Field(ge=1, le=5000)] | None = Field(
        default=None, description="The most detections of one tile."
    )
    pretrained: bool | None = Field(default=None, description="Begin with weights from ImageNet.")
    width: Annotated[int, Field(ge=8, le=512)] | None = Field(
        default=None, description="Channels of the feature pyramid and the head."
    )
    seed: Annotated[int, Field(ge=0, le=_Large)] | None = Field(default=None, description="The seed of every choice.")
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = Field(default=None, description="The most epochs.")
    steps_per_epoch: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Steps of one epoch."
    )
    maximum_seconds: Annotated[float, Field(ge=0.000001)] | None = Field(
        default=None, description="The most seconds; the result then depends on the node's speed."
    )
    batch_size: Annotated[int, Field(ge=1, le=4096)] | None = Field(default=None, description="Crops of one step.")
    crop_size: Annotated[int, Field(ge=64, le=4096, multiple_of=32)] | None = Field(
        default=None, description="Side of a crop in pixels."
    )
    learning_rate: Annotated[float, Field(ge=0.000000001, le=1)] | None = Field(
        default=None, description="The learning rate per step."
    )
    backbone_factor: _Share | None = Field(default=None, description="The backbone's share of the learning rate.")
    weight_decay: _Share | None = Field(default=None, description="Decay of the weights.")
    averaging: Annotated[float, Field(ge=0, le=0.999999)] | None = Field(
        default=None, description="Decay of the averaged weights (EMA)."
    )
    box_weight: Annotated[float, Field(ge=0.000001)] | None = Field(
        default=None, description="The weight of the boxes in the loss."
    )
    augmentation: AugmentationOptions | None = Field(
        default=None, description="How much a crop may differ from its scene."
    )
    validate_every: Annotated[int, Field(ge=1, le=_Large)] | None = Field(
        default=None, description="Epochs between two looks at the validation snapshot."
    )
    match_overlap: Annotated[float, Field(ge=0.000001, le=1)] | None = Field(
        default=None, description="IoU from which a detection is right."
    )
    threads: Annotated[int, Field(ge=0, le=4096)] | None = Field(
        default=None, description="CPU threads; 0 leaves it to the node."
    )
