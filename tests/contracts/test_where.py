"""The language of spec.subscribe[].where: what it takes, what it refuses, and what it says of items."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.contracts import where
from appliance.contracts.errors import Code, VedetteError
from tests.api import samples

_VALUES: dict[str, float | None] = {"gsd_m": 0.3, "width_px": 600, "height_px": 400, "megapixels": 0.24, "bands": 3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gsd_m <= 0.5", True),
        ("gsd_m <= 0.5 and bands >= 4", False),
        ("gsd_m > 0.5 or bands == 3", True),
        ("not bands == 3", False),
        ("0.1 < gsd_m < 0.5", True),
        ("0.4 < gsd_m < 0.5", False),
        ("megapixels != -1", True),
        ("(width_px >= 600 and height_px >= 400) or gsd_m > 9", True),
    ],
)
def test_it_says_which_items(text: str, expected: bool) -> None:
    assert where.parse(text).matches(_VALUES) is expected


@pytest.mark.parametrize("text", ["gsd_m <= 0.5", "gsd_m > 0.5", "not gsd_m > 0.5", "gsd_m <= 0.5 and bands == 3"])
def test_what_is_not_known_gives_no_run(text: str) -> None:
    assert not where.parse(text).matches({**_VALUES, "gsd_m": None})


def test_what_is_not_known_does_not_matter_where_the_rest_decides() -> None:
    assert where.parse("gsd_m <= 0.5 or bands == 3").matches({**_VALUES, "gsd_m": None})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cloud_percent < 40", "nothing is known of items as 'cloud_percent'"),
        ("gsd_m <=", "is not an expression"),
        ("gsd_m", "is no comparison"),
        ("__import__('os')", "is no comparison"),
        ("gsd_m < __import__('os').getpid()", "is neither a name nor a number"),
        ("gsd_m < 'half'", "is neither a name nor a number"),
        ("gsd_m in (1, 2)", "compares by something else"),
        ("gsd_m < True", "is neither a name nor a number"),
        ("gsd_m < 1e999", "is neither a name nor a number"),
        ("gsd_m < 1j", "is neither a name nor a number"),
        (" or ".join(["1<2"] * 90), "too long"),
        ("not " * 200 + "gsd_m < 1", "too long"),
        ("(" * 1000, "is not an expression"),
        ("gsd_m\0 < 1", "is not an expression"),
        ("x" * 2000, "more than 1024 characters"),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(VedetteError) as refused:
        where.parse(text)
    assert refused.value.reason.code is Code.INVALID
    assert says in refused.value.reason.message
    assert "gsd_m" in refused.value.reason.remedy


@given(st.text(max_size=200))
def test_any_text_is_taken_or_refused_in_words(text: str) -> None:
    try:
        found = where.parse(text)
    except VedetteError:
        return
    assert found.matches(_VALUES) in (True, False)


def test_every_name_has_a_value_where_a_scene_is_placed() -> None:
    assert set(where.of_scene(samples.scene_info())) == set(where.NAMES)
    assert where.of_scene(samples.scene_info(crs=None))["gsd_m"] is None
