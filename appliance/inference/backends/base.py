"""What a backend is. `inference/pipeline.py` feeds it, `catalogue.py` opens it; nothing here knows scenes, tiles' places,
decode heads, or any of the libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import ModelInput

Outputs = Mapping[str, NDArray[Any]]
"""The graph's outputs by name; the first axis of each is the batch."""


IN_FLIGHT = 2
"""Batches that a backend holds at once: while the last pieces of one are looked at, the next fills what falls idle."""


@dataclass(frozen=True)
class About:
    """What runs a model: `name` as `--backend` takes it, the `library` with its version, and the `device` it runs on.

    `why` is one sentence where something was chosen or fallen back to, empty where a person named the backend.
    """

    name: str
    library: str
    device: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.library}, {self.device})"


@dataclass(frozen=True)
class Allowance:
    """What a backend may use. `threads` 0: one per core. `device_memory_bytes` 0: what the device has free; a backend on the
    processor has no memory of a device. `batch_size` is the most tiles that one `infer` will be given."""

    threads: int = 0
    batch_size: int = 8
    device_memory_bytes: int = 0


class Backend(Protocol):
    """Runs one model. `infer` is called from two threads at a time, so that nothing idles between batches; `interrupt` from
    any thread, and ends every `infer` that runs. Opening one raises VedetteError: MODEL_PACKAGE where the file is no such
    model, UNSUPPORTED where the library or the device is missing or lacks what the model needs."""

    @property
    def about(self) -> About:
        """What it is at this moment; a backend that falls back to another says so here."""
        ...

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        """One batch, (N, tile, tile, bands) or (N, bands, tile, tile) as the manifest's layout says, in its dtype.

        N varies from 1 to the batch size. The side is the manifest's, or another that the graph itself leaves open.
        `tiles` is overwritten after the call returns. Outputs must be fresh arrays: they outlive the next call and `close`.
        Raises VedetteError: MODEL_PACKAGE where the graph does not take these tiles or fails on them, UNSUPPORTED for a
        shape that this backend was not made for, LIMIT where one tile alone is more than the memory it may use, UNAVAILABLE
        (retryable) where the device is lost, CANCELLED where it was interrupted.
        """
        ...

    def interrupt(self) -> None:
        """Make a running `infer` end within a second, by returning or raising; called when a run is cancelled.

        The next `infer` works as before.
        """
        ...

    def close(self) -> None:
        """Give back memory and threads, and nothing else may be called then. Closing twice is allowed."""
        ...


def blank(source: ModelInput, count: int) -> NDArray[Any]:
    """`count` tiles of nothing, shaped as the model takes them."""
    return np.zeros((count, *source.tile_shape), source.dtype)


def warm_up(backend: Backend, source: ModelInput, batch_size: int) -> None:
    """The first batches are slow (memory, kernels, graphs): have them behind us before a scene waits for them.

    Raises what `infer` raises, so a model that this backend cannot run is known before any scene is opened.
    """
    for count in sorted({1, batch_size}):
        backend.infer(blank(source, count))


def interrupted() -> VedetteError:
    return VedetteError(Code.CANCELLED, "The model was interrupted.", "Start the run again.")
