"""Read and write the snapshot folder (contracts/snapshot.py says what lies in it). Called by the API, the CLI and training."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.contracts.base import ItemId, Name, Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.snapshot import (
    ANNOTATIONS_FILE,
    ITEMS_FOLDER,
    MANIFEST_FILE,
    PixelWindow,
    SnapshotAnnotation,
    SnapshotItem,
    SnapshotManifest,
)
from appliance.formats import digest


@dataclass(frozen=True)
class Snapshot:
    """A snapshot on disk whose manifest and annotations match their digests."""

    folder: Path
    manifest: SnapshotManifest
    digest: Sha256

    def scene_path(self, item_id: ItemId) -> Path:
        return self.folder / ITEMS_FOLDER / f"{item_id}.tif"

    def annotations(self) -> Iterator[SnapshotAnnotation]:
        with (self.folder / ANNOTATIONS_FILE).open(encoding="utf-8") as lines:
            for line in lines:
                yield SnapshotAnnotation.model_validate_json(line)


def canonical(document: object) -> bytes:
    """JSON that is the same for the same content: sorted keys, no spaces, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def covers(item: SnapshotItem, x: float, y: float) -> bool:
    """Whether the pixel position belongs to the snapshot's part of the item."""
    return not item.windows or any(w.x <= x < w.x + w.width and w.y <= y < w.y + w.height for w in item.windows)


def shared_item(one: Snapshot, other: Snapshot) -> str | None:
    """The name of an item of which both snapshots hold the same pixels, if there is one."""
    held = {item.original_sha256: item for item in other.manifest.items}
    for item in one.manifest.items:
        twin = held.get(item.original_sha256)
        if twin is None:
            continue
        whole = PixelWindow(x=0, y=0, width=item.width, height=item.height)
        if any(_meet(a, b) for a in item.windows or [whole] for b in twin.windows or [whole]):
            return item.name
    return None


def _meet(a: PixelWindow, b: PixelWindow) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def write(
    folder: Path, dataset: Name, items: Iterable[SnapshotItem], annotations: Iterable[SnapshotAnnotation]
) -> Snapshot:
    """Write manifest and annotations; annotations outside the items' windows are left out. Scenes are the caller's.

    The same items and annotations in any order give the same digest.
    """
    known = {item.item_id: item for item in sorted(items, key=lambda item: str(item.item_id))}
    kept = [a for a in annotations if a.item_id in known and covers(known[a.item_id], a.box.x, a.box.y)]
    lines = sorted(canonical(a.model_dump(mode="json")) for a in kept)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ANNOTATIONS_FILE).write_bytes(b"".join(line + b"\n" for line in lines))
    manifest = SnapshotManifest(
        dataset=dataset,
        items=list(known.values()),
        labels=sorted({a.label for a in kept}),
        annotations=len(kept),
        annotations_sha256=digest.of_file(folder / ANNOTATIONS_FILE),
    )
    (folder / MANIFEST_FILE).write_bytes(canonical(manifest.model_dump(mode="json")))
    return read(folder)


def read(folder: Path, expected: Sha256 | None = None) -> Snapshot:
    """Raises VedetteError(NOT_FOUND | DIGEST) when the folder is no snapshot or was changed."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise VedetteError(Code.NOT_FOUND, f"{folder} is not a snapshot.", "Fetch one with `vedette dataset pull`.")
    actual = digest.of_file(path)
    if expected is not None and actual != expected:
        raise VedetteError(Code.DIGEST, f"{folder} is snapshot {actual}, not {expected}.", "Pull it again.")
    manifest = SnapshotManifest.model_validate_json(path.read_bytes())
    if digest.of_file(folder / ANNOTATIONS_FILE) != manifest.annotations_sha256:
        raise VedetteError(Code.DIGEST, f"{folder / ANNOTATIONS_FILE} was changed.", "Pull the snapshot again.")
    return Snapshot(folder, manifest, actual)
