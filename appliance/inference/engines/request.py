"""From a model package and what a person asks for to the engine wished for. Called by `vedette engine build` and by workers.

Knows where things lie; builds nothing and reads no more of the graph than its digest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import ModelInput, Precision
from appliance.formats import digest
from appliance.formats.model_package import ModelPackage
from appliance.inference.engines import device, graph, libraries
from appliance.inference.engines.cache import LIMIT_BYTES, EngineCache
from appliance.inference.engines.obtain import Wish
from appliance.inference.engines.spec import MIB, NO_DEVICE, EngineKey, Flag, Library, Profile, Span

BATCH = "1:8:16"
"""Least, best, most: what a run hands over at once, and what two that share a model come to. One engine serves `vedette predict`
and every worker with a batch of at most so many."""


@dataclass(frozen=True)
class Asked:
    """`batch` and `side`: least, best, most; a single number is all three. `side` None: the package's tile size."""

    library: Library = Library.TENSORRT
    precision: Precision = Precision.FP32
    batch: str = BATCH
    side: str | None = None
    flags: tuple[Flag, ...] = ()
    workspace_mib: int = 1024


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where engines of this user lie on this machine: VEDETTE_ENGINES, else in the XDG cache folder."""
    if named := environment.get("VEDETTE_ENGINES"):
        return Path(named)
    cache = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "vedette" / "engines"


def cache(environment: Mapping[str, str] = os.environ) -> EngineCache:
    """The cache there, of at most VEDETTE_ENGINES_BYTES. Raises VedetteError(INVALID) where that is no number."""
    limit = environment.get("VEDETTE_ENGINES_BYTES") or str(LIMIT_BYTES)
    if not limit.isdecimal():
        text = f"VEDETTE_ENGINES_BYTES is '{limit}', which is no number of bytes."
        raise VedetteError(Code.INVALID, text, "Give a number, or leave it out.")
    return EngineCache(folder(environment), int(limit))


def wish(package: ModelPackage, asked: Asked) -> Wish:
    """Raises VedetteError: UNSUPPORTED where the library is not installed or has no such flag, NOT_FOUND where the package
    has no graph of that precision, INVALID for sizes that are none."""
    # A strongly typed engine is as precise as its graph says: another precision is another graph of the package.
    path = package.at(asked.precision).model_path
    variant = package.manifest.variant(asked.precision)
    return of_graph(path, package.manifest.input, asked, variant.calibration if variant else None)


def of_graph(path: Path, source: ModelInput, asked: Asked, calibration: Sha256 | None = None) -> Wish:
    """As `wish`, of an ONNX file that need be in no package; `calibration`: the snapshot that its ranges come from."""
    installed = libraries.needed_version(asked.library)
    if lacking := sorted(set(asked.flags) - libraries.OFFERED[asked.library]):
        text = f"{asked.library.label} makes no {lacking[0]} plans."
        raise VedetteError(Code.UNSUPPORTED, text, "Leave that flag out.")
    card = device.here()
    if asked.library is Library.RTX and Flag.STRIPPED in asked.flags and card == NO_DEVICE:
        text = f"{asked.library.label} makes stripped plans only where there is a card, and this machine has none."
        raise VedetteError(Code.UNSUPPORTED, text, "Leave that flag out.")
    key = EngineKey(
        model=digest.of_file(path),
        precision=asked.precision,
        calibration=calibration,
        profile=Profile(
            batch=span(asked.batch, "batch"),
            side=span(asked.side or str(source.tile_size), "tile size"),
        ),
        flags=tuple(sorted(set(asked.flags))),
        workspace_bytes=asked.workspace_mib * MIB,
        library=asked.library,
        library_version=installed,
        device=card,
        preparation=graph.PREPARATION,
    )
    return Wish(key, path, source.name, source.layout, len(source.bands))


def span(text: str, what: str) -> Span:
    """`8`, or `1:8:16` as least, best and most. Raises VedetteError(INVALID)."""
    try:
        sizes = [int(part) for part in text.split(":")]
        least, best, most = sizes * 3 if len(sizes) == 1 else sizes
        return Span(least=least, best=best, most=most)
    except (ValueError, ValidationError) as error:
        raise VedetteError(
            Code.INVALID, f"'{text}' is no {what}.", "Give one number, or least:best:most as in 1:8:16."
        ) from error
