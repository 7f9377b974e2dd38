"""What a spec names in ConfigMaps -> values, or what is wrong with it in one sentence. Pure; called by observe.py.

Each thing that cannot be used is one Problem; how to serve is known only where nothing is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from appliance.contracts import steps, where
from appliance.contracts.errors import VedetteError
from appliance.contracts.model_package import Recipe
from appliance.contracts.resources.detector_spec import DetectorSpec
from appliance.contracts.resources.scheduling import KeyReference
from appliance.contracts.resources.validate import explain
from appliance.contracts.serving import Area, Serving
from vedette_operator.errors import SourceError

ConfigMaps = Callable[[str], Mapping[str, str] | None]
"""The data of the ConfigMap of that name; None: there is none."""


def serving(spec: DetectorSpec, maps: ConfigMaps) -> Serving:
    """How the spec asks its model to be served. Raises SourceError for the first thing that is wrong."""
    point = spec.running_point
    size = point.min_size_metres if point is not None else None
    return Serving(
        threshold=point.threshold if point is not None else None,
        overlap=point.overlap if point is not None else None,
        minimum_size_metres=size or None,  # 0 drops nothing
        recipe=recipe(spec, maps),
        area=area(spec, maps),
    )


def recipe(spec: DetectorSpec, maps: ConfigMaps) -> Recipe | None:
    """None: the package's own."""
    source = spec.recipe
    if source is None:
        return None
    if source.inline is not None:
        found = Recipe.model_validate(source.inline.model_dump(mode="json"))
        return _known(found, "spec.recipe.inline")
    if source.config_map_ref is None:  # a rule of the resource: exactly one of the two
        return None
    text, said = named(source.config_map_ref, maps, "Recipe")
    try:
        return _known(Recipe.model_validate(yaml.safe_load(text)), said)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        why = explain(error) if isinstance(error, ValidationError) else "it is not YAML"
        raise SourceError("RecipeInvalid", f"The recipe in {said} cannot be used: {why}. Correct it.") from error


def _known(found: Recipe, said: str) -> Recipe:
    unknown = steps.unknown(found)
    if unknown:
        known = ", ".join(sorted(steps.BEFORE | steps.AFTER))
        raise SourceError("RecipeInvalid", f"The recipe in {said} has a step {unknown[0]}, which is none. Use {known}.")
    return found


def named(
    reference: KeyReference, maps: ConfigMaps, what: Literal["Recipe", "Geofence", "Configuration"]
) -> tuple[str, str]:
    """(the text under the key, what to call it). Raises SourceError."""
    said = f"ConfigMap {reference.name}"
    data = maps(reference.name)
    if data is None:
        raise SourceError(f"{what}Missing", f"{said}, named by the {what.lower()}, is not there: make it.")
    key = reference.key
    if key is None and len(data) != 1:
        raise SourceError(f"{what}Missing", f"{said} has {len(data)} keys: say in configMapRef.key which one is meant.")
    key = key if key is not None else next(iter(data))
    if key not in data:
        raise SourceError(f"{what}Missing", f"{said} has no key {key}: add it, or name another.")
    return data[key], f"{said}, key {key}"


def area(spec: DetectorSpec, maps: ConfigMaps) -> Area | None:
    """None: everywhere."""
    fence = spec.geofence
    if fence is None:
        return None
    text, said = named(fence.config_map_ref, maps, "Geofence")
    try:
        polygons = list(_polygons(json.loads(text)))
    except (ValueError, RecursionError) as error:
        why = "it is not JSON" if isinstance(error, json.JSONDecodeError) else "it is not GeoJSON of polygons in WGS84"
        remedy = "Give a Polygon or MultiPolygon with longitude and latitude in degrees, rings closed."
        raise SourceError("GeofenceInvalid", f"The area in {said} cannot be used: {why}. {remedy}") from error
    if not polygons:
        raise SourceError("GeofenceInvalid", f"The area in {said} holds no polygon. Give at least one.")
    geometry: dict[str, Any] = {"type": "MultiPolygon", "coordinates": polygons}
    if len(polygons) == 1:
        geometry = {"type": "Polygon", "coordinates": polygons[0]}
    return Area(geometry=geometry, mode=fence.mode)


def subscriptions(spec: DetectorSpec) -> None:
    """Raises SourceError for the first `where` that is not understood."""
    for each in spec.subscribe:
        try:
            where.parse(each.where or "bands > 0")
        except VedetteError as error:
            message = f"spec.subscribe of {each.dataset} cannot be understood: {error.reason}"
            raise SourceError("WhereInvalid", message) from error


class _NotAnAreaError(ValueError):
    """A ring is open, or lies outside of WGS84."""


class _GeoJson(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


Ring = list[list[float]]


class _Geometry(_GeoJson):
    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[Any]


class _Feature(_GeoJson):
    type: Literal["Feature"]
    geometry: _Geometry


class _Collection(_GeoJson):
    type: Literal["FeatureCollection"]
    features: list[_Feature] = Field(max_length=10_000)


_ANY: TypeAdapter[_Geometry | _Feature | _Collection] = TypeAdapter(_Geometry | _Feature | _Collection)
_POLYGON: TypeAdapter[list[Ring]] = TypeAdapter(list[Ring])


def _polygons(document: Any) -> Iterator[list[Ring]]:
    """Raises ValueError."""
    found = _ANY.validate_python(document)
    features = found.features if isinstance(found, _Collection) else [found] if isinstance(found, _Feature) else []
    for geometry in [each.geometry for each in features] or ([found] if isinstance(found, _Geometry) else []):
        for polygon in [geometry.coordinates] if geometry.type == "Polygon" else geometry.coordinates:
            yield _checked(_POLYGON.validate_python(polygon))


def _checked(polygon: list[Ring]) -> list[Ring]:
    for ring in polygon:
        # RFC 7946, 3.1.6: closed, of four positions or more; 3.1.1: longitude before latitude, in degrees.
        good = len(ring) >= 4 and ring[0] == ring[-1]
        if not good or not all(len(at) >= 2 and abs(at[0]) <= 180 and abs(at[1]) <= 90 for at in ring):
            raise _NotAnAreaError
    if not polygon:
        raise _NotAnAreaError
    return [[at[:2] for at in ring] for ring in polygon]
