"""What one training run is: a small frozen value, written as one YAML file. Read by `vedette train`; does no training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError, model_validator

from appliance.contracts.base import Contract, Name, Sha256, Version
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import GsdRange
from appliance.formats import digest
from appliance.formats.snapshot import canonical

_LIMIT_BYTES = 1 << 20
_NOT_TRAINING = {"name", "version", "title", "licence", "description", "limits", "halo", "maximum_per_tile"}


class Augmentation(Contract):
    """How much a crop may differ from the scene it was cut from. Zero, or a scale of 1, switches a part off."""

    scale: Annotated[float, Field(ge=1, le=4)] = Field(default=1.4, description="Largest zoom in, and out.")
    brightness: float = Field(default=0.25, ge=0, le=1)
    contrast: float = Field(default=0.25, ge=0, le=1)
    saturation: float = Field(default=0.3, ge=0, le=1)
    channel_gain: float = Field(default=0.1, ge=0, le=1)
    noise: float = Field(default=0.02, ge=0, le=1)


class TrainingConfiguration(Contract):
    """One training run.

    `epochs` bounds it; `maximum_seconds` too, where given (then the result depends on the machine's speed).
    Learning rates are per step of `batch_size` crops of `crop_size` pixels at the nominal ground sample distance.
    """

    name: Name
    version: Version
    title: str = Field(default="", max_length=100)
    licence: str = Field(max_length=200)
    description: str = Field(default="", max_length=4000)
    limits: list[str] = Field(default=[], max_length=20)

    gsd_metres: GsdRange | None = None
    tile_size: int = Field(default=512, ge=64, le=4096, multiple_of=32)
    halo: int = Field(default=64, ge=0, le=1024)
    maximum_per_tile: int = Field(default=300, ge=1, le=5000)

    pretrained: bool = True
    width: int = Field(default=64, ge=8, le=512, description="Channels of the feature pyramid and the head.")
    seed: int = Field(default=0, ge=0)
    epochs: int = Field(default=30, ge=1, le=100_000)
    steps_per_epoch: int = Field(default=20, ge=1, le=100_000)
    maximum_seconds: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=8, ge=1, le=4096)
    crop_size: int = Field(default=384, ge=64, le=4096, multiple_of=32)
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    backbone_factor: float = Field(default=0.5, ge=0, le=1, description="The backbone's share of the learning rate.")
    weight_decay: float = Field(default=0.02, ge=0, le=1)
    averaging: float = Field(default=0.99, ge=0, lt=1, description="Decay of the averaged weights (EMA).")
    box_weight: float = Field(default=2.0, gt=0)
    augmentation: Augmentation = Augmentation()

    validate_every: int = Field(default=5, ge=1, description="Epochs between two looks at the validation snapshot.")
    match_overlap: float = Field(default=0.4, gt=0, le=1, description="IoU from which a detection is right.")
    threads: int = Field(default=0, ge=0, description="CPU threads; 0 leaves it to the machine.")

    @model_validator(mode="after")
    def _core(self) -> TrainingConfiguration:
        """Said here, and not by the manifest when all is trained."""
        if self.tile_size <= 2 * self.halo:
            raise ValueError("tile_size must be larger than twice the halo: no core is left")
        return self

    @property
    def total_steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    @property
    def recipe(self) -> Sha256:
        """The digest of what influences the weights: better words on the card, or another
        halo in the manifest, do not make it another training run."""
        return digest.of_bytes(canonical(self.model_dump(mode="json", exclude=_NOT_TRAINING)))

    @property
    def digest(self) -> Sha256:
        return digest.of_bytes(canonical(self.model_dump(mode="json")))


def load(path: Path) -> TrainingConfiguration:
    """Raises VedetteError(INVALID) naming the first wrong field."""
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise VedetteError(Code.INVALID, f"{path} is larger than 1 MiB.", "Name a training configuration.")
        return TrainingConfiguration.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise VedetteError(Code.NOT_FOUND, f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise VedetteError(Code.INVALID, f"{path} is not YAML.", "Correct the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "configuration"
        raise VedetteError(Code.INVALID, f"{path}: {where}: {first['msg']}.", "Correct that field.") from error
