"""Read, check and write a model package folder. Called by the CLI, the API, detector workers and the trainer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import CARD_FILE, MANIFEST_FILE, METRICS_FILE, MODEL_FILE, Manifest
from appliance.formats import digest

FILES = (MANIFEST_FILE, MODEL_FILE, METRICS_FILE, CARD_FILE)
_REBUILD = "Export the model again with `vedette train`, or copy the whole folder."
_MANIFEST_LIMIT = 1 << 20


@dataclass(frozen=True)
class ModelPackage:
    """A package on disk whose files are all there and whose digest was computed from them."""

    folder: Path
    manifest: Manifest
    digest: Sha256

    @property
    def model_path(self) -> Path:
        return self.folder / MODEL_FILE


def read(folder: Path, expected: Sha256 | None = None) -> ModelPackage:
    """Parse and digest a package folder.

    Raises VedetteError(MODEL_PACKAGE) when a file is missing or the manifest is not one, VedetteError(DIGEST) when
    `expected` is given and differs.
    """
    if not folder.is_dir():
        raise VedetteError(
            Code.MODEL_PACKAGE, f"{folder} is not a model package folder.", "Name a folder with manifest.yaml."
        )
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise VedetteError(Code.MODEL_PACKAGE, f"{folder} lacks {', '.join(missing)}.", _REBUILD)
    manifest = parse_manifest(folder / MANIFEST_FILE)
    actual = package_digest(folder)
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


def package_digest(folder: Path) -> Sha256:
    return digest.of_files((name, digest.of_file(folder / name)) for name in FILES)


def write(folder: Path, manifest: Manifest, metrics: dict[str, Any], card: str) -> ModelPackage:
    """Write the text files beside a `model.onnx` that already lies in `folder`."""
    document = manifest.model_dump(mode="json", exclude_none=True)
    (folder / MANIFEST_FILE).write_text(yaml.safe_dump(document, sort_keys=False, width=100), "utf-8")
    (folder / METRICS_FILE).write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", "utf-8")
    (folder / CARD_FILE).write_text(card, "utf-8")
    return read(folder)
