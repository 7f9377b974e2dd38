"""In what precision a run computes: what the worker was told, what the package offers, and what can be loaded here.

Called by worker_run.py. Whatever is not as it was asked for is said in a note of the run, and computes in FP32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Literal

from appliance.clients import logging
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest, Precision
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import Backend
from appliance.inference.worker_backends import WarmBackends

_NOT_THE_MODEL = {Code.STORE, Code.DISK, Code.CANCELLED, Code.UNAVAILABLE}


@dataclass(frozen=True)
class Wanted:
    """`precision` auto: the variant that was measured to be the fastest on `backend`, the one that runs here; FP32 where
    none was."""

    precision: Literal["auto", "fp32", "fp16", "int8"] = "auto"
    backend: str = ""


@dataclass(frozen=True)
class Served:
    """The package as it computes here, its backend, and what the run's summary must say about it."""

    package: ModelPackage
    backend: Backend
    notes: list[str] = field(default_factory=list)


def choose(manifest: Manifest, wanted: Wanted) -> tuple[Precision, list[str]]:
    """The precision to compute in, and notes. Pure."""
    if wanted.precision == "auto":
        measured = [each for each in manifest.variants if each.backend == wanted.backend and each.speed_up > 1]
        fastest = max(measured, key=lambda each: each.speed_up, default=None)
        if fastest is None:
            return Precision.FP32, []
        return Precision(fastest.precision), [
            f"Computed in {fastest.precision}: {fastest.metric} {-fastest.loss:+.4f} against fp32 when it was measured."
        ]
    asked = Precision(wanted.precision)
    if asked == Precision.FP32:
        return asked, []
    variant = manifest.variant(asked)
    if variant is None:
        return Precision.FP32, [f"Computed in fp32: the model package has no {asked} variant."]
    notes = [f"Computed in {asked}: {variant.metric} {-variant.loss:+.4f} against fp32 when it was measured."]
    if variant.backend != wanted.backend:
        notes.append(f"The {asked} variant was measured on {variant.backend}, not on {wanted.backend}.")
    return asked, notes


@contextmanager
def lease(package: ModelPackage, wanted: Wanted, backends: WarmBackends) -> Iterator[Served]:
    """A loaded backend in the precision chosen, or in FP32 where a variant cannot be loaded.

    Raises VedetteError(MODEL_PACKAGE) when FP32 cannot either.
    """
    precision, notes = choose(package.manifest, wanted)
    chosen = package.at(precision)
    with ExitStack() as stack:
        try:
            backend = stack.enter_context(backends.lease(chosen))
        except VedetteError as error:
            if precision == Precision.FP32 or error.reason.code in _NOT_THE_MODEL:
                raise
            logging.get().warning("variant not loaded", precision=precision.value, reason=str(error.reason))
            notes = [f"Computed in fp32: the {precision} variant could not be loaded. {error.reason.message}"]
            chosen = package.at(Precision.FP32)
            backend = stack.enter_context(backends.lease(chosen))
        yield Served(chosen, backend, notes)
