"""Read, check and write a model package folder. Called by the CLI, the API, detector workers and the trainer."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import (
    CARD_FILE,
    MANIFEST_FILE,
    METRICS_FILE,
    MODEL_FILE,
    Manifest,
    Precision,
)
from appliance.formats import digest

FILES = (MANIFEST_FILE, MODEL_FILE, METRICS_FILE, CARD_FILE)
"""What every package has. `files_of` names the variants' files as well."""
_REBUILD = "Export the model again with `vedette train`, or copy the whole folder."
_MANIFEST_LIMIT = 1 << 20


@dataclass(frozen=True)
class ModelPackage:
    """A package on disk whose files are all there and whose digest was computed from them."""

    folder: Path
    manifest: Manifest
    digest: Sha256
    precision: Precision = Precision.FP32

    @property
    def model_path(self) -> Path:
        variant = self.manifest.variant(self.precision)
        return self.folder / (variant.file if variant else MODEL_FILE)

    def at(self, precision: Precision) -> ModelPackage:
        """The package as it computes in this precision: that file, that running point, and no other variant in the
        manifest, so that what was found with one precision is never taken for what another would find.

        Raises VedetteError(NOT_FOUND) when it has no such variant.
        """
        if precision == Precision.FP32:
            return replace(self, manifest=self.manifest.model_copy(update={"variants": []}), precision=precision)
        variant = self.manifest.variant(precision)
        if variant is None:
            name = f"{self.manifest.name} {self.manifest.version}"
            raise VedetteError(
                Code.NOT_FOUND,
                f"{name} has no {precision} variant.",
                f"Make one with `vedette detector optimise --precision {precision}`.",
            )
        changed = {"running_point": variant.running_point, "variants": [variant]}
        return replace(self, manifest=self.manifest.model_copy(update=changed), precision=precision)


def files_of(manifest: Manifest) -> tuple[str, ...]:
    """The names of all files of a package with this manifest."""
    return (*FILES, *(variant.file for variant in manifest.variants))


def read(folder: Path, expected: Sha256 | None = None) -> ModelPackage:
    """Parse and digest a package folder.

    Raises VedetteError(MODEL_PACKAGE) when a file is missing or the manifest is not one, VedetteError(DIGEST) when
    `expected` is given and differs.
    """
    if not folder.is_dir():
        raise VedetteError(
            Code.MODEL_PACKAGE, f"{folder} is not a model package folder.", "Name a folder with manifest.yaml."
        )
    _refuse_missing(folder, FILES)
    manifest = parse_manifest(folder / MANIFEST_FILE)
    _refuse_missing(folder, files_of(manifest))
    digests = {name: digest.of_file(folder / name) for name in files_of(manifest)}
    for variant in manifest.variants:
        if digests[variant.file] != variant.digest:
            raise VedetteError(
                Code.DIGEST, f"{folder / variant.file} is not the file that was measured.", "Copy the package again."
            )
    actual = digest.of_files(digests.items())
    if expected is not None and actual != expected:
        raise VedetteError(Code.DIGEST, f"{folder} has digest {actual}, not {expected}.", "Copy the package again.")
    return ModelPackage(folder, manifest, actual)


def parse_manifest(path: Path) -> Manifest:
    try:
        if path.stat().st_size > _MANIFEST_LIMIT:
            raise VedetteError(Code.MODEL_PACKAGE, f"{path} is larger than 1 MiB.", _REBUILD)
        return Manifest.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise VedetteError(Code.MODEL_PACKAGE, f"{path} is not YAML.", _REBUILD) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "manifest"
        raise VedetteError(Code.MODEL_PACKAGE, f"{path}: {where}: {first['msg']}.", "Correct that field.") from error


def _refuse_missing(folder: Path, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise VedetteError(Code.MODEL_PACKAGE, f"{folder} lacks {', '.join(missing)}.", _REBUILD)


def write(folder: Path, manifest: Manifest, metrics: dict[str, Any], card: str) -> ModelPackage:
    """Write the text files beside a `model.onnx`, and variants, that already lie in `folder`."""
    document = manifest.model_dump(mode="json", exclude_none=True)
    (folder / MANIFEST_FILE).write_text(yaml.safe_dump(document, sort_keys=False, width=100), "utf-8")
    (folder / METRICS_FILE).write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", "utf-8")
    (folder / CARD_FILE).write_text(card, "utf-8")
    return read(folder)
