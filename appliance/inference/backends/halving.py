"""A batch that does not fit into memory is looked at in halves, and the next one at once in the size that fitted. Pure.

Used by the backends; the scene goes on more slowly in place of failing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.backends.base import Outputs
from appliance.inference.backends.failures import MemoryShortError


class Halving:
    """`most` is the size that fits, as far as was seen; None before anything failed to."""

    def __init__(self) -> None:
        self.most: int | None = None

    def run(self, tiles: NDArray[Any], infer: Callable[[NDArray[Any]], Outputs]) -> Outputs:
        """Raises VedetteError(LIMIT) where a single tile does not fit, and what `infer` raises besides MemoryShortError."""
        parts: list[Outputs] = []
        start = 0
        while start < len(tiles):
            piece = tiles[start : start + (self.most or len(tiles))]
            try:
                parts.append(infer(piece))
            except MemoryShortError as error:
                if len(piece) == 1:
                    raise _too_little(error) from error
                self.most = min(self.most or len(piece), len(piece) // 2)
            else:
                start += len(piece)
        return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[Outputs]) -> Outputs:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _too_little(error: MemoryShortError) -> VedetteError:
    return VedetteError(
        Code.LIMIT,
        f"One tile alone is more than the memory that the model may use: {error}.",
        "Give it more memory, or apply a model with smaller tiles.",
    )
