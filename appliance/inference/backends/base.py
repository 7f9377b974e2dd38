"""What a backend is. `inference/pipeline.py` feeds it; nothing here knows scenes, tiles' places or decode heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

Outputs = Mapping[str, NDArray[Any]]
"""The graph's outputs by name; the first axis of each is the batch."""


class Backend(Protocol):
    """Runs one model. `infer` is called from two threads at a time, so that nothing idles between batches; `interrupt` from
    any thread, and ends every `infer` that runs."""

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        """One batch, (N, tile, tile, bands) or (N, bands, tile, tile) as the manifest's layout says, in its dtype.

        N varies from 1 to the batch size. `tiles` is overwritten after the call returns. Outputs must be fresh arrays.
        """
        ...

    def interrupt(self) -> None:
        """Make a running `infer` end soon, by returning or raising; called when a run is cancelled."""
        ...

    def close(self) -> None: ...
