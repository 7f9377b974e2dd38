"""The names in contracts/steps.py are those that vision/steps knows."""

from __future__ import annotations

import pytest

from appliance.contracts import steps
from appliance.contracts.errors import VedetteError
from appliance.contracts.model_package import Recipe, Step
from appliance.vision.steps import after, before


def test_after() -> None:
    assert set(after.REGISTRY) == steps.AFTER


def test_before() -> None:
    for name in steps.BEFORE:
        before.percentile_stretch(Recipe(before=[Step(step=name)]))
    with pytest.raises(VedetteError):
        before.percentile_stretch(Recipe(before=[Step(step="sharpen")]))


def test_what_is_unknown() -> None:
    recipe = Recipe(before=[Step(step="sharpen")], after=[Step(step="minimum-size"), Step(step="no-such")])
    assert steps.unknown(recipe) == ["sharpen", "no-such"]
