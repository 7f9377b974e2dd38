"""Whether a variant may go into a package, and with which running point. Pure. Called by optimise.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Precision


@dataclass(frozen=True)
class Gate:
    """`max_loss`: the most that the metric may fall, in its own unit; `min_speed_up`: the least that must be gained."""

    max_loss: float = 0.005
    min_speed_up: float = 1.0


@dataclass(frozen=True)
class Figures:
    """`metric` on the snapshot before (model.onnx) and after (the variant), each at its own running point; `speed_up` is
    how many times as fast the variant is on `backend`."""

    precision: Precision
    metric: str
    before: float
    after: float
    speed_up: float
    backend: str

    @property
    def loss(self) -> float:
        return self.before - self.after

    def __str__(self) -> str:
        how = f"{self.metric} {self.before:.4f} -> {self.after:.4f} (loss {self.loss:.4f})"
        return f"{self.precision}: {how}, {self.speed_up:.2f} times as fast on {self.backend}"


def check(figures: Figures, gate: Gate) -> None:
    """Raises VedetteError(INVALID) with the figures when the variant costs too much or gains too little."""
    wrong = []
    if not figures.loss <= gate.max_loss:
        wrong.append(f"a loss of at most {gate.max_loss:g} is allowed")
    if not figures.speed_up >= gate.min_speed_up:
        wrong.append(f"at least {gate.min_speed_up:g} times the speed is asked for")
    if wrong:
        raise VedetteError(
            Code.INVALID,
            f"Refused, {' and '.join(wrong)}: {figures}.",
            "Nothing was written. Serve the package as it is, or allow more with --max-loss or --min-speedup.",
        )


def same_count(before: NDArray[np.float64], threshold: float, after: NDArray[np.float64]) -> float:
    """The threshold at which `after` (scores of the variant) counts as many detections as `before` does at `threshold`.

    Lower precision shifts scores a little, all of them alike; the running point moves along. Counting needs no annotation
    and so cannot pick a threshold because it was lucky on a few of them. Rounded down to four digits.
    """
    count = int((before >= threshold).sum())
    if count == 0 or len(after) == 0:
        return threshold
    ordered = np.sort(after)[::-1]
    return float(np.floor(ordered[min(count, len(ordered)) - 1] * 1e4) / 1e4)
