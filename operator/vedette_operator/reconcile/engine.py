"""What computes a version: an engine that a Job builds on the target, or ONNX Runtime meanwhile. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.contracts.resources.detector_spec import DetectorSpec
from appliance.contracts.resources.detector_status import EngineStatus
from vedette_operator.reconcile.observed import Observed

GPU = "nvidia.com/gpu"
State = Literal["Ready", "Building", "Fallback", "Failed"]


@dataclass(frozen=True)
class Engine:
    """`usable`: the version may take traffic with it."""

    state: State
    status: EngineStatus | None
    message: str

    @property
    def usable(self) -> bool:
        return self.state in ("Ready", "Fallback")


def needs_build(spec: DetectorSpec) -> bool:
    """TensorRT's engines are built for one card and library; the others read the ONNX graph as it is."""
    backend = spec.runtime.backend
    return backend == "tensorrt" or (backend == "auto" and GPU in (spec.resources.limits or {}))


def engine(spec: DetectorSpec, digest: str, job: str, observed: Observed) -> Engine:
    """Of the package `digest`, which the Job of that name builds."""
    if not needs_build(spec):
        plain = _plain(spec, digest)
        return Engine("Ready", plain, f"{plain.backend} reads the model as it is.")
    built, seen = observed.engines.get(job), observed.jobs.get(job)
    if built is not None:
        return _built(spec, built)
    if seen is None or seen.outcome != "failed":
        return Engine("Building", None, "The engine is being built on a node with the card.")
    if spec.runtime.backend == "tensorrt":
        return Engine("Failed", None, f"The engine could not be built: {seen.message} Set backend: auto to go without.")
    return Engine(
        "Fallback",
        EngineStatus(key=f"{digest}/onnxruntime", backend="onnxruntime", precision="fp32"),
        f"The engine could not be built: {seen.message} ONNX Runtime serves instead.",
    )


def _built(spec: DetectorSpec, built: EngineStatus) -> Engine:
    asked = spec.runtime.precision
    if built.precision != asked:
        return Engine("Ready", built, f"The card or the package lacks {asked}; {built.precision} runs instead.")
    return Engine("Ready", built, f"Built for {built.gpu or 'this card'}.")


def _plain(spec: DetectorSpec, digest: str) -> EngineStatus:
    if spec.runtime.backend in ("openvino", "torch"):
        backend: Literal["openvino", "torch", "onnxruntime"] = (
            "openvino" if spec.runtime.backend == "openvino" else "torch"
        )
    else:
        backend = "onnxruntime"
    return EngineStatus(key=f"{digest}/{backend}", backend=backend, precision="fp32")
