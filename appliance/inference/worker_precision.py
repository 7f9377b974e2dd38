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
from appliance.contracts.model_package import Manifest, Precision, Variant
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.choice import Opened
from appliance.inference.worker_backends import WarmBackends

_NOT_THE_MODEL = {Code.STORE, Code.DISK, Code.CANCELLED, Code.UNAVAILABLE}


@dataclass(frozen=True)
class Wanted:
    """`precision` auto: the variant that was measured to gain most on one of `backends`, those that may run the model
    here; FP32 where none was."""

    precision: Literal["auto", "fp32", "fp16", "int8"] = "auto"
    backends: tuple[str, ...] = ()


@dataclass(frozen=True)
class Served(Opened):
    """And what the run's summary must say about it."""

    notes: list[str] = field(default_factory=list)


def choose(manifest: Manifest, wanted: Wanted) -> tuple[Precision, list[str]]:
    """The precision to compute in, and notes. Pure."""
    if wanted.precision == "auto":
        measured = [each for each in manifest.variants if each.backend in wanted.backends and each.speed_up > 1]
        fastest = max(measured, key=lambda each: each.speed_up, default=None)
        if fastest is None:
            return Precision.FP32, []
        return Precision(fastest.precision), [_cost(fastest)]
    asked = Precision(wanted.precision)
    if asked == Precision.FP32:
        return asked, []
    taken = next_wider(manifest, asked)
    variant = manifest.variant(taken)
    notes = [] if taken == asked else [f"Computed in {taken}: the model package has no {asked} variant."]
    if variant is None:
        return Precision.FP32, notes
    notes.append(_cost(variant))
    if variant.backend not in wanted.backends:
        here = " or ".join(wanted.backends)
        notes.append(f"The {taken} variant was measured on {variant.backend}, not on {here}.")
    return taken, notes


def next_wider(manifest: Manifest, asked: Precision) -> Precision:
    """The precision asked for, or the next wider that the package has."""
    narrowest_first = (Precision.INT8, Precision.FP16)
    wide_enough = narrowest_first[narrowest_first.index(asked) :] if asked in narrowest_first else ()
    return next((each for each in wide_enough if manifest.variant(each) is not None), Precision.FP32)


def _cost(variant: Variant) -> str:
    what = f"{variant.metric} {0 - variant.loss:+.4f} against fp32"
    return f"Computed in {variant.precision}: {what} when it was measured, on {variant.backend}."


@contextmanager
def lease(package: ModelPackage, wanted: Wanted, backends: WarmBackends) -> Iterator[Served]:
    """A loaded backend in the precision chosen, or in FP32 where a variant cannot be loaded.

    Raises VedetteError(MODEL_PACKAGE) when FP32 cannot either.
    """
    precision, notes = choose(package.manifest, wanted)
    chosen = package.at(precision)
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(backends.lease(chosen))
        except VedetteError as error:
            if precision == Precision.FP32 or error.reason.code in _NOT_THE_MODEL:
                raise
            logging.get().warning("variant not loaded", precision=precision.value, reason=str(error.reason))
            notes = [f"Computed in fp32: the {precision} variant could not be loaded. {error.reason.message}"]
            opened = stack.enter_context(backends.lease(package.at(Precision.FP32)))
        yield Served(opened.package, opened.backend, notes)
