"""Steps before the model. Called by inference/scene.py, which applies them while it reads.

percentile-stretch {low: 2, high: 98}   stretch between these percentiles even where the scene is 8 bits already
"""

from __future__ import annotations

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Recipe

DEFAULT_PERCENTILES = (2.0, 98.0)


def percentile_stretch(recipe: Recipe) -> tuple[float, float] | None:
    """The percentiles a recipe asks for, None where it does not. Raises VedetteError(MODEL_PACKAGE) on an unknown step."""
    asked = None
    for step in recipe.before:
        if step.step != "percentile-stretch":
            raise VedetteError(
                Code.MODEL_PACKAGE,
                f"The recipe step {step.step} is not known.",
                "Known before the model: percentile-stretch.",
            )
        low, high = (step.parameters.get(k, d) for k, d in zip(("low", "high"), DEFAULT_PERCENTILES, strict=True))
        if not (isinstance(low, int | float) and isinstance(high, int | float) and 0 <= low < high <= 100):
            raise VedetteError(
                Code.MODEL_PACKAGE, "percentile-stretch needs 0 <= low < high <= 100.", "Correct the recipe."
            )
        asked = (float(low), float(high))
    return asked
