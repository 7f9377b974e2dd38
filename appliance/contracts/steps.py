"""The names of the steps that a recipe may have. vision/steps holds what they do; a test holds the two together."""

from __future__ import annotations

from appliance.contracts.model_package import Recipe

BEFORE = frozenset({"percentile-stretch"})
AFTER = frozenset({"minimum-size"})


def unknown(recipe: Recipe) -> list[str]:
    """The names of steps that nobody knows, in the order in which they stand."""
    before = [each.step for each in recipe.before if each.step not in BEFORE]
    return before + [each.step for each in recipe.after if each.step not in AFTER]
