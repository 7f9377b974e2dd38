"""What a spec names in ConfigMaps: taken, or refused in one sentence that names it and says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from vedette_operator import sources
from vedette_operator.errors import SourceError

from appliance.contracts.resources.detector_spec import DetectorSpec
from appliance.contracts.serving import Area, Serving
from tests.operator_reconcile.world import detector

_SQUARE = [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]
_POLYGON = {"type": "Polygon", "coordinates": _SQUARE}
_FEATURE = {"type": "Feature", "properties": {"name": "harbour"}, "geometry": _POLYGON}
_RECIPE = {"after": [{"step": "minimum-size", "parameters": {"metres": 2}}]}


def _spec(**changes: Any) -> DetectorSpec:
    spec = detector().spec
    return spec.model_copy(update={"recipe": None, "geofence": None, "running_point": None}).model_validate(
        {
            **spec.model_dump(
                mode="json", by_alias=True, exclude={"recipe", "geofence", "running_point"}, exclude_none=True
            ),
            **changes,
        }
    )


def _fenced(text: str, key: str | None = "area.geojson") -> Area | None:
    reference = {"name": "harbour"} | ({"key": key} if key else {})
    spec = _spec(geofence={"configMapRef": reference, "mode": "exclude"})
    return sources.area(spec, {"harbour": {"area.geojson": text}}.get)


def _refused(spec: DetectorSpec, maps: dict[str, dict[str, str]]) -> tuple[str, str]:
    with pytest.raises(SourceError) as refused:
        sources.serving(spec, maps.get)
    return refused.value.reason, refused.value.message


_MAPPED = {"configMapRef": {"name": "steps", "key": "recipe.yaml"}}


def test_nothing_asked_is_the_packages_own() -> None:
    assert sources.serving(_spec(), {}.get) == Serving()


def test_all_that_is_asked_is_put_together() -> None:
    point = {"threshold": 0.4, "overlap": 0.3, "minSizeMetres": 2}
    spec = _spec(runningPoint=point, recipe=_MAPPED, geofence={"configMapRef": {"name": "harbour"}})
    maps = {"steps": {"recipe.yaml": yaml.safe_dump(_RECIPE)}, "harbour": {"a": json.dumps(_POLYGON)}}
    found = sources.serving(spec, maps.get)
    assert (found.threshold, found.overlap, found.minimum_size_metres) == (0.4, 0.3, 2)
    assert found.recipe is not None
    assert found.recipe.after[0].step == "minimum-size"
    assert found.area == Area(geometry=_POLYGON, mode="include")


@pytest.mark.parametrize(
    ("maps", "reason", "says"),
    [
        ({}, "RecipeMissing", "ConfigMap steps, named by the recipe, is not there"),
        ({"steps": {"other": ""}}, "RecipeMissing", "has no key recipe.yaml"),
        ({"steps": {"recipe.yaml": "a: ["}}, "RecipeInvalid", "it is not YAML"),
        ({"steps": {"recipe.yaml": "after: 1"}}, "RecipeInvalid", "after"),
        ({"steps": {"recipe.yaml": "after: [{step: sharpen}]"}}, "RecipeInvalid", "a step sharpen, which is none"),
    ],
    ids=["no map", "no key", "no yaml", "no recipe", "unknown step"],
)
def test_a_recipe_that_cannot_be_used_says_why(maps: dict[str, dict[str, str]], reason: str, says: str) -> None:
    found, message = _refused(_spec(recipe=_MAPPED), maps)
    assert found == reason
    assert says in message


def test_without_a_key_the_map_must_have_one() -> None:
    spec = _spec(recipe={"configMapRef": {"name": "steps"}})
    assert "has 2 keys" in _refused(spec, {"steps": {"a": "", "b": ""}})[1]


def test_a_step_written_in_place_must_be_known_too() -> None:
    spec = _spec(recipe={"inline": {"before": [{"step": "sharpen"}]}})
    assert _refused(spec, {})[0] == "RecipeInvalid"


@pytest.mark.parametrize(
    "document",
    [_POLYGON, _FEATURE, {"type": "FeatureCollection", "features": [_FEATURE]}],
    ids=["polygon", "feature", "collection"],
)
def test_an_area_is_taken_in_each_of_its_forms(document: dict[str, Any]) -> None:
    assert _fenced(json.dumps(document), key=None) == Area(geometry=_POLYGON, mode="exclude")


def test_several_polygons_are_one_area() -> None:
    found = _fenced(json.dumps({"type": "FeatureCollection", "features": [_FEATURE, _FEATURE]}))
    assert found is not None
    assert found.geometry == {"type": "MultiPolygon", "coordinates": [_SQUARE, _SQUARE]}


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        '{"type": "Point", "coordinates": [1, 2]}',
        '{"type": "Feature", "geometry": null}',
        '{"type": "FeatureCollection", "features": []}',
        '{"type": "Polygon", "coordinates": []}',
        '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}',
        '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [9, 9]]]}',
        '{"type": "Polygon", "coordinates": [[[500000, 0], [1, 0], [1, 1], [500000, 0]]]}',
        '{"type": "Polygon", "coordinates": [[[NaN, 0], [1, 0], [1, 1], [NaN, 0]]]}',
        '{"type": "MultiPolygon", "coordinates": [[[0, 0]]]}',
        "[" * 100_000,
    ],
    ids=lambda text: text[-40:],
)
def test_an_area_that_cannot_be_used_says_so(text: str) -> None:
    with pytest.raises(SourceError) as refused:
        _fenced(text)
    assert refused.value.reason == "GeofenceInvalid"
    assert "ConfigMap harbour" in refused.value.message


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=10) | st.sampled_from(["Polygon", "Feature"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "geometry", "features"]), inner, max_size=4)
    ),
    max_leaves=20,
)


def _outcome(read: Callable[[], object]) -> str:
    """The reason of a refusal; anything else that is raised is a failure of the test."""
    try:
        read()
    except SourceError as error:
        return error.reason
    return "taken"


@given(_JSON)
def test_whatever_stands_there_is_an_area_or_one_sentence(document: Any) -> None:
    assert _outcome(lambda: _fenced(json.dumps(document))) in ("taken", "GeofenceInvalid")


@given(st.text(max_size=200) | _JSON.map(json.dumps))
def test_whatever_stands_there_is_a_recipe_or_one_sentence(text: str) -> None:
    spec = _spec(recipe=_MAPPED)
    found = _outcome(lambda: sources.recipe(spec, {"steps": {"recipe.yaml": text}}.get))
    assert found in ("taken", "RecipeInvalid")


def test_a_subscription_that_is_not_understood_names_its_dataset() -> None:
    spec = _spec(subscribe=[{"dataset": "ports", "where": "cloudiness < 4"}])
    with pytest.raises(SourceError, match=r"spec\.subscribe of ports") as refused:
        sources.subscriptions(spec)
    assert refused.value.reason == "WhereInvalid"
    sources.subscriptions(_spec(subscribe=[{"dataset": "ports", "where": "gsd_m < 1"}, {"dataset": "fields"}]))
