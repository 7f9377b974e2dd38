"""What computes a version: an engine that a Job builds on the target, or ONNX Runtime meanwhile. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.contracts.resources.detector_spec import DetectorSpec
from appliance.contracts.resources.detector_status import EngineStatus
from vedette_operator.reconcile.observed import Observed, Package

GPU = "nvidia.com/gpu"
Precision = Literal["fp32", "fp16", "int8"]
_WIDER: tuple[Precision, ...] = ("int8", "fp16", "fp32")
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


def engine(spec: DetectorSpec, digest: str, job: str, observed: Observed, known: EngineStatus | None = None) -> Engine:
    """Of the package `digest`, which the Job of that name builds. `known`: what the status says of it."""
    if not needs_build(spec):
        return _plain(spec, digest, observed.package)
    reported, seen = observed.engines.get(job), observed.jobs.get(job)
    remembered = known if known is not None and known.job == job else None
    built = reported.model_copy(update={"job": job}) if reported is not None else remembered
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


def _plain(spec: DetectorSpec, digest: str, package: Package | None) -> Engine:
    """Without an engine the package must hold the precision asked for as a variant, or the next wider one runs."""
    chosen = spec.runtime.backend
    backend: Literal["openvino", "torch", "onnxruntime"] = (
        "openvino" if chosen == "openvino" else "torch" if chosen == "torch" else "onnxruntime"
    )
    asked = spec.runtime.precision
    runs = _held(asked, package.precisions if package else frozenset())
    status = EngineStatus(key=f"{digest}/{backend}", backend=backend, precision=runs)
    if package is None or runs == asked:
        return Engine("Ready", status, f"{backend} reads the model as it is.")
    return Engine("Ready", status, f"The package has no variant in {asked}; {runs} runs instead, on {backend}.")


def _held(asked: Precision, held: frozenset[str]) -> Precision:
    wider = _WIDER[_WIDER.index(asked) :]
    return next((each for each in wider if each in held), "fp32")
