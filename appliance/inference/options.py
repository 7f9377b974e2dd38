"""What a caller of `predict_scene` says: the scene, the options, and where it listens. Plain values, no behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shapely.geometry.base import BaseGeometry

from appliance.contracts.item import SceneInfo
from appliance.contracts.run import Progress
from appliance.inference.checkpoints import Checkpoints


@dataclass(frozen=True)
class SceneSource:
    """A raster that GDAL opens at `path` (a file, or /vsis3/...) under `gdal_options`.

    `name` is what people call it: every error and note names the scene by it. `info` is what the media worker
    recorded; without it the raster itself is asked (and a stretch is estimated where the detector needs one).
    """

    path: str
    name: str
    info: SceneInfo | None = None
    gdal_options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PredictOptions:
    """`threshold` None: the package's running point. `decode_threads` 0: one per processor.

    `geofence` is a WGS84 polygon or multipolygon: detections whose centre lies outside are dropped,
    or inside where `geofence_excludes`.
    `band_tile_rows` tile rows make one band (one checkpoint). `phase` shifts the tile grid (columns, rows) and
    `buffer_bytes` bounds the decoded pixels held at once: neither changes what is found. `package`: the digest of the model
    package that computes; finished bands of another one are not taken.
    """

    threshold: float | None = None
    batch_size: int = 8
    decode_threads: int = 0
    geofence: BaseGeometry | None = None
    geofence_excludes: bool = False
    band_tile_rows: int = 4
    phase: tuple[int, int] = (0, 0)
    buffer_bytes: int = 96 << 20
    package: str = ""


@dataclass(frozen=True)
class Hooks:
    """`progress` is called a few times a second at most, `cancelled` several times a second, both from the caller's thread.

    Without `checkpoints` a run that is cut short starts again.
    """

    progress: Callable[[Progress], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    checkpoints: Checkpoints | None = None
