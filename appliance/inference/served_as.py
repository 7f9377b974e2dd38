"""What a Serving changes of a model package and of how it looks at scenes: the manifest and the options that serve.

Called by the detector worker for every run and by the gate Job, so that what is measured is what is served. Pure; who reads
the file is serving_file.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import shapely
from shapely.geometry.base import BaseGeometry

from appliance.contracts import steps
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest, Recipe, Step
from appliance.contracts.serving import Area, Serving
from appliance.inference.options import PredictOptions
from appliance.vision.steps import after, before

_POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True)
class ServedAs:
    """A Serving that was checked. `fence` is the area's geometry, valid and in WGS84."""

    serving: Serving = field(default_factory=Serving)
    fence: BaseGeometry | None = None

    def manifest(self, own: Manifest) -> Manifest:
        """The manifest as it serves: checkpoints carry its digest, so that none of another running point is taken."""
        serving, point = self.serving, own.running_point
        changed = {
            "threshold": point.threshold if serving.threshold is None else serving.threshold,
            "overlap": point.overlap if serving.overlap is None else serving.overlap,
        }
        recipe = own.recipe if serving.recipe is None else serving.recipe
        if serving.minimum_size_metres is not None:
            recipe = recipe.model_copy(update={"after": [*recipe.after, _minimum_size(serving.minimum_size_metres)]})
        return own.model_copy(update={"running_point": point.model_copy(update=changed), "recipe": recipe})

    def options(self, own: PredictOptions) -> PredictOptions:
        if self.fence is None or self.serving.area is None:
            return own
        return replace(own, geofence=self.fence, geofence_excludes=self.serving.area.mode == "exclude")

    def notes(self) -> list[str]:
        """What a run's summary says about it, one sentence each."""
        serving = self.serving
        said = [
            (serving.threshold, f"The threshold is {serving.threshold}, as the detector says."),
            (serving.overlap, f"Detections that overlap by more than {serving.overlap} are one, as the detector says."),
            (serving.recipe, "The recipe is the detector's, in place of the model package's."),
            (
                serving.minimum_size_metres,
                f"Objects whose shorter side is less than {serving.minimum_size_metres} m were left out.",
            ),
            (serving.area, f"Only what lies {_where(serving.area)} the detector's geofence counts."),
        ]
        return [sentence for given, sentence in said if given is not None]


def checked(serving: Serving) -> ServedAs:
    """Raises VedetteError(INVALID) for a recipe or an area that no run could be done with."""
    if serving.recipe is not None:
        _check(serving.recipe)
    return ServedAs(serving, None if serving.area is None else _fence(serving.area))


def _check(recipe: Recipe) -> None:
    if unknown := steps.unknown(recipe):
        known = f"Known are {', '.join(sorted(steps.BEFORE))} before the model and {', '.join(sorted(steps.AFTER))} after it."
        raise VedetteError(Code.INVALID, f"The detector's recipe has the step {unknown[0]}, which is not known.", known)
    try:
        before.percentile_stretch(recipe)
        after.steps(recipe)
    except VedetteError as error:
        message = f"The detector's recipe cannot be used: {error.reason.message}"
        raise VedetteError(Code.INVALID, message, "Correct the recipe.") from error


def _fence(area: Area) -> BaseGeometry:
    kind = str(area.geometry.get("type"))[:40]
    if kind not in _POLYGONS:
        raise _no_geofence(f"it is a {kind}" if "type" in area.geometry else "it has no type")
    try:
        shape = shapely.make_valid(shapely.force_2d(shapely.from_geojson(json.dumps(area.geometry))))
    except (shapely.errors.ShapelyError, ValueError, TypeError, RecursionError) as error:
        raise _no_geofence("its coordinates are no rings of numbers") from error
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in _POLYGONS]
    fence: BaseGeometry = shapely.union_all(parts)
    west, south, east, north = fence.bounds
    if fence.is_empty or not (-360 <= west <= east <= 360 and -90 <= south <= north <= 90):
        raise _no_geofence("it covers no ground in degrees of longitude and latitude")
    return fence


def _no_geofence(why: str) -> VedetteError:
    message = f"The detector's geofence cannot be used: {why}."
    return VedetteError(Code.INVALID, message, "Give a Polygon or MultiPolygon of GeoJSON in WGS84.")


def _minimum_size(metres: float) -> Step:
    return Step(step="minimum-size", parameters={"metres": metres})


def _where(area: Area | None) -> str:
    return "outside" if area is not None and area.mode == "exclude" else "inside"
