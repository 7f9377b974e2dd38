"""What an engine is built from and for, and the key that follows from it. Used by everything in this folder and by the CLI.

An engine is compiled code for one library, one version of it and one device: the key names all that it depends on, so that
an engine is never met under a key that it was not built for. Nothing here knows TensorRT or a file.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from appliance.contracts.base import Contract, Sha256
from appliance.contracts.model_package import Precision
from appliance.formats import digest

NO_DEVICE: Literal["no device"] = "no device"
MIB = 1 << 20


class Library(StrEnum):
    TENSORRT = "tensorrt"
    RTX = "tensorrt-rtx"

    @property
    def label(self) -> str:
        return "TensorRT" if self is Library.TENSORRT else "TensorRT for RTX"


class Flag(StrEnum):
    """What a plan may be asked to be. `version-compatible`: loads in later versions of the library too, for some speed.
    `stripped`: without its weights, which are put in again on loading."""

    VERSION_COMPATIBLE = "version-compatible"
    STRIPPED = "stripped"


class Span(Contract):
    """Sizes that an engine takes, and the one it is fastest at."""

    least: int = Field(ge=1, le=65_536)
    best: int = Field(ge=1, le=65_536)
    most: int = Field(ge=1, le=65_536)

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if not self.least <= self.best <= self.most:
            raise ValueError("needs least <= best <= most")
        return self

    def __str__(self) -> str:
        return str(self.best) if self.least == self.most else f"{self.least}..{self.best}..{self.most}"


class Profile(Contract):
    """Tiles per batch, and the side of a tile in pixels."""

    batch: Span
    side: Span


class Device(Contract):
    """The card an engine is built for. `cores`: CUDA cores; with the compute capability they say how many multiprocessors
    there are, which NVML does not tell by itself."""

    name: str = Field(max_length=200)
    compute_capability: str = Field(pattern=r"^[0-9]+\.[0-9]+$")
    cores: int = Field(ge=0)
    driver_major: int = Field(ge=0)


class EngineKey(Contract):
    """All that a plan depends on. `preparation`: the version of our own changes to the graph (graph.py)."""

    model: Sha256
    precision: Precision
    calibration: Sha256 | None = None
    profile: Profile
    flags: tuple[Flag, ...] = ()
    workspace_bytes: int = Field(default=1024 * MIB, ge=MIB)
    library: Library
    library_version: str = Field(pattern=r"^[0-9][0-9A-Za-z.+-]{0,40}$")
    device: Device | Literal["no device"]
    preparation: int

    @property
    def name(self) -> str:
        """64 hexadecimal digits: the plan's name in the cache."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return digest.of_bytes(text.encode()).removeprefix("sha256:")


class Order(Contract):
    """One build: where the graph lies, where the plan and the timing cache go, and the key it is built under."""

    key: EngineKey
    model: str
    input_name: str
    layout: Literal["nhwc", "nchw"]
    bands: int = Field(ge=1)
    plan: str
    timing_cache: str | None = None
