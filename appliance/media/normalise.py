"""Make a scene of an original: the one entry that the media worker, the trainer and tests call. Knows no server.

Called as `normalise(Path("original.tif"), "original.tif", Path("private-folder"))`.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.contracts.item import SceneInfo
from appliance.media import failures
from appliance.media.limits import Limits
from appliance.media.process import DecodingProcess
from appliance.media.spawning import Nursery

SCENE_FILE, THUMBNAIL_FILE = "scene.tif", "thumbnail.webp"


@dataclass(frozen=True)
class Normalised:
    """What became of an original: its description, the COG and a PNG of at most 512 x 512 pixels."""

    scene: SceneInfo
    scene_path: Path
    thumbnail_path: Path


def _silent(fraction: float) -> None:
    """No one watches."""


def normalise(
    path: Path,
    name: str,
    output_folder: Path,
    limits: Limits | None = None,
    progress: Callable[[float], None] = _silent,
    nursery: Nursery | None = None,
) -> Normalised:
    """Decode `path` in a confined process of its own and write scene.tif and thumbnail.webp into `output_folder`.

    `name` is what people call the file; every error says it. `progress(fraction)` is called at least once a second
    and may raise to stop the work. `nursery`: give one to many calls and each starts in milliseconds. Nothing is left in the folder when this raises.

    Raises VedetteError: UNREADABLE, TRUNCATED, UNSUPPORTED, TOO_LARGE, EMPTY, BANDS or LIMIT for the file's own fault,
    DISK (retryable) when the disk is full, NOT_FOUND when there is no such file.
    """
    limits = limits or Limits()
    if not path.is_file():
        raise failures.no_such_file(name)
    if path.stat().st_size == 0:
        raise failures.empty_file(name)
    output_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="decode-", dir=output_folder) as private:
        folder = Path(private)
        with contextlib.nullcontext(nursery) if nursery else Nursery() as starting:
            scene = DecodingProcess(path.resolve(), name, folder.resolve(), limits).run(starting, progress)
        with contextlib.suppress(FileNotFoundError):
            return Normalised(
                scene,
                (folder / SCENE_FILE).replace(output_folder / SCENE_FILE),
                (folder / THUMBNAIL_FILE).replace(output_folder / THUMBNAIL_FILE),
            )
    raise failures.decoder_died(name, "it wrote nothing")
