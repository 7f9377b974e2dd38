"""A backend that says why it was chosen, and lets go with itself what was made for it. Made by choice.py; passes everything
else on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from appliance.inference.backends.base import About, Backend, Outputs


class Chosen:
    def __init__(self, backend: Backend, why: str, release: Callable[[], None] = lambda: None) -> None:
        self._backend = backend
        self._why = why
        self._release = release

    @property
    def about(self) -> About:
        """Of the backend; a reason of its own, such as a fallback, comes before ours."""
        about = self._backend.about
        return replace(about, why=about.why or self._why)

    @property
    def settled(self) -> bool:
        """Whether it will remain the backend that it is: one that is to go over to an engine is not settled."""
        return bool(getattr(self._backend, "settled", True))

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        return self._backend.infer(tiles)

    def interrupt(self) -> None:
        self._backend.interrupt()

    def close(self) -> None:
        self._backend.close()
        self._release()
