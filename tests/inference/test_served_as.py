"""What a Serving makes of a manifest and of options, and which ones are refused before any run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.contracts.errors import VedetteError
from appliance.contracts.model_package import Recipe, Step
from appliance.contracts.serving import Area, Serving
from appliance.inference import served_as, serving_file
from appliance.inference.options import PredictOptions
from tests.inference import models

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
scores = st.none() | st.floats(0, 1)


@given(scores, scores, st.none() | st.floats(0.1, 100))
def test_what_is_given_is_taken_and_the_rest_is_the_packages_own(
    threshold: float | None, overlap: float | None, metres: float | None
) -> None:
    own = models.manifest()
    serving = Serving(threshold=threshold, overlap=overlap, minimum_size_metres=metres)
    made = served_as.checked(serving).manifest(own)
    point = made.running_point
    assert point.threshold == (own.running_point.threshold if threshold is None else threshold)
    assert point.overlap == (own.running_point.overlap if overlap is None else overlap)
    added = [] if metres is None else [Step(step="minimum-size", parameters={"metres": metres})]
    assert made.recipe.after == [*own.recipe.after, *added]
    assert made.taxonomy == own.taxonomy
    assert len(served_as.checked(serving).notes()) == sum(each is not None for each in (threshold, overlap, metres))


def test_nothing_given_changes_nothing() -> None:
    served, own, options = serving_file.read(None), models.manifest(), PredictOptions()
    assert (served.manifest(own), served.options(options), served.notes()) == (own, options, [])


@pytest.mark.parametrize(
    ("serving", "said"),
    [
        (Serving(recipe=Recipe(after=[Step(step="blur")])), "has the step blur, which is not known"),
        (Serving(recipe=Recipe(after=[Step(step="minimum-size")])), "minimum-size needs pixels or metres above 0"),
        (Serving(area=Area(geometry={})), "it has no type"),
        (Serving(area=Area(geometry={"type": "Point", "coordinates": [0, 0]})), "it is a Point"),
        (Serving(area=Area(geometry={"type": "Polygon", "coordinates": "here"})), "its coordinates are no rings"),
        (Serving(area=Area(geometry={"type": "Polygon", "coordinates": [[[1, 2]]]})), "geofence cannot be used"),
        (Serving(area=Area(geometry={"type": "Polygon", "coordinates": []})), "it covers no ground"),
        (
            Serving(
                area=Area(
                    geometry={"type": "Polygon", "coordinates": [[[4e5, 3e6], [5e5, 3e6], [5e5, 4e6], [4e5, 3e6]]]}
                )
            ),
            "it covers no ground in degrees",
        ),
    ],
)
def test_what_no_run_could_be_done_with_is_refused(serving: Serving, said: str) -> None:
    with pytest.raises(VedetteError, match=said):
        served_as.checked(serving)


@pytest.mark.parametrize("text", ["", "[]", '{"treshold": 0.5}', '{"threshold": 2}'])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "serving.json").write_text(text)
    with pytest.raises(VedetteError, match="is not one"):
        serving_file.read(tmp_path / "serving.json")
    with pytest.raises(VedetteError, match="cannot be read"):
        serving_file.read(tmp_path / "absent.json")


def test_an_area_is_kept_or_left_out(tmp_path: Path) -> None:
    for mode, excludes in (("include", False), ("exclude", True)):
        area = Area.model_validate({"geometry": SQUARE, "mode": mode})
        (tmp_path / "serving.json").write_text(Serving(area=area).model_dump_json())
        options = serving_file.read(tmp_path / "serving.json").options(PredictOptions())
        assert options.geofence is not None
        assert (options.geofence.bounds, options.geofence_excludes) == ((0, 0, 1, 1), excludes)
