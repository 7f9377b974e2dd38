"""What a Job's pod is told to do: one JSON in the environment variable VEDETTE_TASK (ADR 16). Written by the operator."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from appliance.contracts.base import Contract, Sha256
from appliance.contracts.resources.detector_spec import Gate
from appliance.contracts.resources.training_spec import TrainingJobSpec
from appliance.contracts.serving import Serving

TASK = "VEDETTE_TASK"


class PackageReference(Contract):
    """A model package by place (s3://BUCKET/models/NAME/VERSION) and content."""

    uri: str
    digest: Sha256


class EngineTask(Contract):
    """Build the engine of one package here, and say what will run: an EngineStatus."""

    package: PackageReference
    backend: Literal["auto", "tensorrt", "onnxruntime", "openvino", "torch"]
    precision: Literal["fp32", "fp16", "int8"]
    batch_tiles: int = Field(default=16, ge=1)


class GateTask(Contract):
    """Measure a package, and the one that serves where a gate compares, as they will be served: a GateReport."""

    package: PackageReference
    serving: Serving = Serving()
    baseline: PackageReference | None = None
    baseline_serving: Serving = Serving()
    gates: Annotated[list[Gate], Field(max_length=16)]
    backend: Literal["auto", "tensorrt", "onnxruntime", "openvino", "torch"]
    precision: Literal["fp32", "fp16", "int8"]


class TrainingTask(Contract):
    """Train as the resource says: a TrainingReport. `configuration`: the text of the ConfigMap where the spec names one."""

    name: str
    uid: str
    spec: TrainingJobSpec
    configuration: str | None = None
