"""`vedette dataset pull DIGEST -o DIR`: a snapshot as a folder, every digest verified. What training takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.api.views.work import SnapshotFile, SnapshotFiles
from appliance.cli import connection, fetch, progress
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.snapshot import ANNOTATIONS_FILE, ITEMS_FOLDER, MANIFEST_FILE, SnapshotManifest
from appliance.formats import digest as digests
from appliance.formats import snapshot


def command(
    ctx: typer.Context,
    digest: Annotated[str, typer.Argument(help="sha256:..., as `dataset snapshot` printed it.")],
    folder: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")],
) -> None:
    """Fetch a snapshot. Files that are there already, and right, are not fetched again."""
    with connection.of(ctx) as session:
        described = session.api.get(f"/api/snapshots/{digest}", SnapshotFiles)
        expected = expectations(described.manifest, digest)
        with progress.on(session.output) as show:
            for number, file in enumerate(described.files):
                show.show(digest[:19], f"fetching {file.path}", number / len(described.files))
                _fetch(folder, file, expected)
        pulled = snapshot.read(folder, digest)
        session.output.result(
            {"folder": str(folder), "digest": pulled.digest, "items": len(pulled.manifest.items)},
            f"{folder}: {len(pulled.manifest.items)} items, {pulled.manifest.annotations} annotations",
        )


def expectations(manifest: SnapshotManifest, digest: Sha256) -> dict[str, Sha256]:
    """The digest of every file of the snapshot's folder, by its path."""
    scenes = {f"{ITEMS_FOLDER}/{item.item_id}.tif": item.scene_sha256 for item in manifest.items}
    return {MANIFEST_FILE: digest, ANNOTATIONS_FILE: manifest.annotations_sha256, **scenes}


def _fetch(folder: Path, file: SnapshotFile, expected: dict[str, Sha256]) -> None:
    """Only paths that the manifest knows are written: a server cannot name a place outside the folder."""
    if file.path not in expected:
        raise VedetteError(Code.INVALID, f"The snapshot lists {file.path}, which it does not hold.", "Make it again.")
    target = folder / file.path
    if not (target.is_file() and digests.of_file(target) == expected[file.path]):
        fetch.to_file(file.url, target, expected[file.path])
