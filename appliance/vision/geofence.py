"""An area in WGS84 brought onto a scene's pixels: which tiles to look at, which detections to keep. Pure.

Called by inference/predict.py. The fence is laid out at every turn of 360 degrees, so that scenes and fences on either side of the
antimeridian meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
import shapely.affinity

from appliance.contracts.errors import Code, VedetteError
from appliance.vision.candidates import Flags, Floats
from appliance.vision.georeference import Georeference

_EDGE_POINTS = 33
_MARGIN_DEGREES = 0.05
_STEPS = 200


@dataclass(frozen=True)
class PixelFence:
    """The fence in full-resolution pixels of one scene. `outside`: what lies outside of it counts, and not what lies inside."""

    area: shapely.Geometry
    outside: bool = False

    def touches(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Whether anything in this window may count."""
        window = shapely.box(x0, y0, x1, y1)
        if self.outside:
            return not shapely.contains(self.area, window)
        return bool(shapely.intersects(self.area, window))

    def holds(self, centres: Floats) -> Flags:
        """Whether each centre (n, 2) counts."""
        inside: Flags = shapely.contains_xy(self.area, centres[:, 0], centres[:, 1])
        return ~inside if self.outside else inside


def on_scene(
    fence: shapely.Geometry, georeference: Georeference, size: tuple[int, int], scene: str, outside: bool = False
) -> PixelFence:
    """Raises VedetteError(GEOREFERENCE) for a scene that does not know where it lies."""
    if georeference.transformer is None:
        raise VedetteError(
            Code.GEOREFERENCE,
            f"{scene} has no georeference, so a geofence means nothing on it.",
            "Give the scene its georeference, or leave the geofence out.",
        )
    frame = _frame(georeference, size)
    turns = [shapely.affinity.translate(fence, xoff=turn) for turn in (-360, 0, 360)]
    near = shapely.intersection(shapely.union_all(turns), shapely.box(*frame))
    if near.is_empty:
        return PixelFence(shapely.Polygon(), outside)
    near = shapely.segmentize(near, max(frame[2] - frame[0], frame[3] - frame[1]) / _STEPS)
    area = shapely.transform(near, georeference.pixels)
    shapely.prepare(area := shapely.make_valid(area))
    return PixelFence(area, outside)


def _frame(georeference: Georeference, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """West, south, east, north around the scene with a margin; longitudes run on past 180 where it crosses."""
    width, height = size
    share = np.linspace(0, 1, _EDGE_POINTS)
    grid = np.stack(np.meshgrid(share * width, share * height), axis=-1).reshape(-1, 2)
    lonlat = georeference.lonlat(grid)
    lonlat = lonlat[np.isfinite(lonlat).all(axis=1)]
    if not len(lonlat):
        return (-180.0, -90.0, 180.0, 90.0)
    longitude = lonlat[:, 0]
    if np.ptp(longitude) > 180:
        longitude = np.where(longitude < 0, longitude + 360, longitude)
    margin = _MARGIN_DEGREES
    return (
        float(longitude.min()) - margin,
        max(-90.0, float(lonlat[:, 1].min()) - margin),
        float(longitude.max()) + margin,
        min(90.0, float(lonlat[:, 1].max()) + margin),
    )
