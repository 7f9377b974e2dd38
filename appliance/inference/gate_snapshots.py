"""Snapshots in the object store, as a gate reads them: small files are fetched, scenes are streamed. Used by gates.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.snapshot import ANNOTATIONS_FILE, MANIFEST_FILE, SnapshotItem
from appliance.formats import snapshot
from appliance.formats.snapshot import Snapshot
from appliance.inference.options import SceneSource


def fetch(store: ObjectStore, digest: Sha256, folder: Path) -> Snapshot:
    """Manifest and annotations, verified. Raises VedetteError(NOT_FOUND | DIGEST | EMPTY), STORE (retryable)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (MANIFEST_FILE, ANNOTATIONS_FILE):
        try:
            store.get_file(keys.snapshot_prefix(digest) + name, folder / name)
        except VedetteError as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise
            message = f"The store does not hold {name} of the snapshot {digest}."
            raise VedetteError(Code.NOT_FOUND, message, "Name a snapshot of `vedette dataset snapshot`.") from error
    try:
        held = snapshot.read(folder, digest)
    except VedetteError as error:
        if error.reason.code is not Code.DIGEST:
            raise
        message = f"The snapshot {digest} in the store is not what its digest says."
        raise VedetteError(Code.DIGEST, message, "Make the snapshot again.") from error
    if not held.manifest.annotations:
        message = f"The snapshot {digest} holds no annotation, so nothing can be measured on it."
        raise VedetteError(Code.EMPTY, message, "Name a snapshot with annotations.")
    return held


def source(store: ObjectStore, item: SnapshotItem) -> SceneSource:
    """By which GDAL streams the scene: nothing of it comes to this disk."""
    return SceneSource(store.gdal_path(keys.scene(item.item_id)), item.name, gdal_options=store.gdal_options())


def verify(store: ObjectStore, item: SnapshotItem, heed: Callable[[], None]) -> None:
    """Read the scene through once. Raises VedetteError(NOT_FOUND | DIGEST) where it is not the snapshot's; what `heed` raises."""
    if store.digest(keys.scene(item.item_id), heed) != item.scene_sha256:
        message = f"The scene of {item.name} in the store is not the one that the snapshot holds."
        raise VedetteError(Code.DIGEST, message, "Make the snapshot again.")
