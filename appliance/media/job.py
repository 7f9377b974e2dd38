"""One item from original to scene: download, check, normalise, upload. Synchronous; the worker runs it in a thread.

Everything is written under the item's own keys, so doing it twice changes nothing.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from appliance.clients import spans
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import Asset, AssetRole
from appliance.contracts.messages import ItemReady, NormaliseScene
from appliance.formats import digest
from appliance.media.limits import Limits
from appliance.media.normalise import Normalised, normalise
from appliance.media.space import check_space
from appliance.media.spawning import Nursery

COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
_DOWNLOADED, _NORMALISED, _DONE = 10.0, 90.0, 100.0  # percent


class Stopped(Exception):  # noqa: N818
    """The worker is leaving; the work goes back to the queue."""


@dataclass
class Job:
    """`percent` may be read at any time; setting `stop` ends `run` within a second or so with `Stopped`."""

    work: NormaliseScene
    store: ObjectStore
    folder: Path
    limits: Limits
    nursery: Nursery
    percent: float = 0.0
    stop: Event = field(default_factory=Event)

    def run(self) -> ItemReady:
        """Raises VedetteError for whatever is wrong with the file or its surroundings."""
        with tempfile.TemporaryDirectory(prefix="item-", dir=self.folder) as private:
            folder = Path(private)
            check_space(folder, self.work.name, self.work.size_bytes)
            original = folder / "original"
            with spans.span("fetch original", attributes={"vedette.item.bytes": self.work.size_bytes}):
                self._download(original)
            self.percent = _DOWNLOADED
            with spans.span("normalise"):
                made = normalise(
                    original, self.work.name, folder / "out", self.limits, self._normalising, self.nursery
                )  # fmt: skip
            self.percent = _NORMALISED
            with spans.span("store scene"):
                ready = self._upload(made)
            self.percent = _DONE
            return ready

    def _download(self, target: Path) -> None:
        work, sha256, received = self.work, hashlib.sha256(), 0
        with target.open("wb") as stream:
            for chunk in self.store.read(work.original_key):
                self._check()
                received += len(chunk)
                if received > work.size_bytes:
                    break
                sha256.update(chunk)
                _write(stream.write, chunk, work.name, target)
        if received != work.size_bytes or f"sha256:{sha256.hexdigest()}" != work.original_sha256:
            raise VedetteError(
                Code.DIGEST,
                f"{work.name} is not what was announced: its size or its digest differs.",
                "Upload the file again.",
            )

    def _normalising(self, fraction: float) -> None:
        self._check()
        self.percent = _DOWNLOADED + (_NORMALISED - _DOWNLOADED) * fraction

    def _upload(self, made: Normalised) -> ItemReady:
        wanted = (
            (AssetRole.SCENE, keys.scene(self.work.item_id), COG_TYPE, made.scene_path),
            (AssetRole.THUMBNAIL, keys.thumbnail(self.work.item_id), "image/webp", made.thumbnail_path),
        )
        assets = []
        for role, key, media_type, path in wanted:
            self._check()
            self.store.put_file(key, path, media_type)
            size, sha256 = path.stat().st_size, digest.of_file(path)
            assets.append(Asset(role=role, key=key, media_type=media_type, size_bytes=size, sha256=sha256))
        return ItemReady(scene=made.scene, assets=assets)

    def _check(self) -> None:
        if self.stop.is_set():
            raise Stopped


def _write(write: Callable[[bytes], int], chunk: bytes, name: str, target: Path) -> None:
    try:
        write(chunk)
    except OSError as error:
        raise VedetteError(
            Code.DISK,
            f"{name} could not be fetched: the disk under {target.parent.parent} does not take it ({error.strerror}).",
            "Free space there; the work is tried again by itself.",
            retryable=True,
        ) from error
