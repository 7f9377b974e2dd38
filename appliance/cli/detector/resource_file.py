"""What `vedette detector apply -f` was given: a Detector in YAML, and perhaps a package folder. Called by apply.py; asks no server.

A storageUri of file: is for standalone mode alone, so the contracts do not know it: here it is replaced by the place in the
object store where that package comes to lie, before the resource is held against them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from appliance.contracts import keys
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import MANIFEST_FILE
from appliance.contracts.resources import validate
from appliance.contracts.resources.objects import DetectorResource
from appliance.formats import model_package

_SCHEME = "file:"


@dataclass(frozen=True)
class Declared:
    """A Detector as a file has it. `folder`: where its model package lies on this machine, when storageUri says so."""

    detector: DetectorResource
    folder: Path | None
    source: str


def read(file: Path) -> Declared:
    """From a file, or with `-` from standard input. Raises VedetteError(INVALID | MODEL_PACKAGE) with one sentence."""
    source = "standard input" if str(file) == "-" else str(file)
    return declared(_text(file, source), source)


def declared(text: str, source: str) -> Declared:
    """Raises VedetteError(INVALID) as the API server would, and for a TrainingJob, which only a cluster runs."""
    document = validate.load(text, source)
    folder = _folder(document, source)
    if folder is not None:
        document["spec"]["model"]["storageUri"] = _place(folder)
    resource = validate.resource(document, source)
    if not isinstance(resource, DetectorResource):
        raise VedetteError(
            Code.INVALID,
            f"{source} is a TrainingJob, which needs a cluster.",
            "Without one `vedette train -f` trains on snapshots, on this machine.",
        )
    return Declared(resource, folder, source)


def _text(file: Path, source: str) -> str:
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(validate.LIMIT_BYTES + 1)
        else:
            with file.open("rb") as opened:
                content = opened.read(validate.LIMIT_BYTES + 1)
    except OSError as error:
        raise VedetteError(
            Code.INVALID, f"{source} cannot be read: {error.strerror}.", "Name a file, or - for standard input."
        ) from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise VedetteError(Code.INVALID, f"{source} is not text in UTF-8.", "Name a Detector in YAML.") from error


def _folder(document: Any, source: str) -> Path | None:
    """The folder that spec.model.storageUri names; None where it names none, or is something else altogether."""
    uri = document
    for key in ("spec", "model", "storageUri"):
        uri = uri.get(key) if isinstance(uri, dict) else None
    if not isinstance(uri, str) or not uri.startswith(_SCHEME):
        return None
    parts = urlsplit(uri)
    path = unquote(parts.path)
    if (
        parts.netloc not in ("", "localhost")
        or not path.startswith("/")
        or "\0" in path
        or parts.query
        or parts.fragment
    ):
        raise VedetteError(
            Code.INVALID,
            f"{source}: spec.model.storageUri: {uri[:200]} names no folder of this machine.",
            "Give the whole path after file://, as in file:///srv/packages/tree-crowns.",
        )
    return Path(path)


def _place(folder: Path) -> str:
    """Where the store keeps the package of this folder, by its manifest. Raises VedetteError(MODEL_PACKAGE)."""
    manifest_file = folder / MANIFEST_FILE
    if not manifest_file.is_file():
        raise VedetteError(
            Code.MODEL_PACKAGE, f"{folder} is not a model package folder.", "Name a folder with manifest.yaml."
        )
    manifest = model_package.parse_manifest(manifest_file)
    return f"s3://{keys.BUCKET}/{keys.model_prefix(manifest.name, manifest.version).rstrip('/')}"
