"""Steps after the model, on boxes in full-resolution pixels. Called by inference/finish.py.

minimum-size {pixels: 3} or {metres: 1.5}   drop objects whose shorter side is less
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Recipe, Step
from appliance.vision.candidates import Flags, Floats

AfterStep = Callable[[Floats, float | None], Flags]
"""(boxes (n, 5), ground sample distance in metres or None) -> those kept (n,)."""


def minimum_size(step: Step) -> AfterStep:
    limits = {unit: step.parameters.get(unit) for unit in ("pixels", "metres")}
    if not any(isinstance(limit, int | float) and limit > 0 for limit in limits.values()):
        raise VedetteError(Code.MODEL_PACKAGE, "minimum-size needs pixels or metres above 0.", "Correct the recipe.")

    def keep(boxes: Floats, gsd_metres: float | None) -> Flags:
        shorter = np.minimum(boxes[:, 2], boxes[:, 3])
        kept = np.ones(len(boxes), np.bool_)
        if limits["pixels"]:
            kept &= shorter >= float(limits["pixels"])
        if limits["metres"] and gsd_metres:
            kept &= shorter * gsd_metres >= float(limits["metres"])
        return kept

    return keep


REGISTRY: dict[str, Callable[[Step], AfterStep]] = {"minimum-size": minimum_size}


def steps(recipe: Recipe) -> list[AfterStep]:
    """Raises VedetteError(MODEL_PACKAGE) on an unknown step."""
    unknown = [step.step for step in recipe.after if step.step not in REGISTRY]
    if unknown:
        raise VedetteError(
            Code.MODEL_PACKAGE,
            f"The recipe step {unknown[0]} is not known.",
            f"Known after the model: {', '.join(REGISTRY)}.",
        )
    return [REGISTRY[step.step](step) for step in recipe.after]
