"""Snapshot and model package folders out of an object store: every digest verified, what is there and right kept.

Called by the trainer of a cluster; `get` is ObjectStore.get_file, so that this knows no store. A key becomes a file whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.contracts import keys
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import MANIFEST_FILE as PACKAGE_MANIFEST
from appliance.contracts.snapshot import ANNOTATIONS_FILE, ITEMS_FOLDER, MANIFEST_FILE, SnapshotManifest
from appliance.formats import digest as digests
from appliance.formats import model_package, snapshot
from appliance.formats.model_package import ModelPackage
from appliance.formats.snapshot import Snapshot

Get = Callable[[str, Path], None]
"""Key and file; raises VedetteError(NOT_FOUND) when there is no such object."""


def fetch_snapshot(get: Get, digest: Sha256, folder: Path) -> Snapshot:
    """Raises VedetteError(NOT_FOUND | DIGEST) when the store does not hold it, or something else under its name."""
    prefix = keys.snapshot_prefix(digest)
    _fetch(get, prefix + MANIFEST_FILE, folder / MANIFEST_FILE, digest)
    manifest = SnapshotManifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
    _fetch(get, prefix + ANNOTATIONS_FILE, folder / ANNOTATIONS_FILE, manifest.annotations_sha256)
    for item in manifest.items:
        path = folder / ITEMS_FOLDER / f"{item.item_id}.tif"
        _fetch(get, keys.scene(item.item_id), path, item.scene_sha256)
    return snapshot.read(folder, digest)


def fetch_package(get: Get, prefix: str, digest: Sha256 | None, folder: Path) -> ModelPackage:
    """The package under a prefix that ends in '/'. Raises VedetteError(NOT_FOUND | DIGEST | MODEL_PACKAGE)."""
    folder.mkdir(parents=True, exist_ok=True)
    get(prefix + PACKAGE_MANIFEST, folder / PACKAGE_MANIFEST)
    manifest = model_package.parse_manifest(folder / PACKAGE_MANIFEST)
    for name in model_package.files_of(manifest):
        if name != PACKAGE_MANIFEST:
            get(prefix + name, folder / name)
    return model_package.read(folder, digest)


def _fetch(get: Get, key: str, path: Path, expected: Sha256) -> None:
    if path.is_file() and digests.of_file(path) == expected:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    get(key, path)
    actual = digests.of_file(path)
    if actual != expected:
        path.unlink()
        message = f"{key} in the object store has digest {actual}, not {expected}."
        raise VedetteError(Code.DIGEST, message, "Make the snapshot again, or restore the object store.")
