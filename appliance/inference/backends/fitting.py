"""A package as a backend is to run it: on a card with what surrounds the model moved into its graph (graphs/on_device.py).

Used by choice.py and measure.py, and by whoever builds an engine, so that all speak of the same graph.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from appliance.clients.private_folder import private_folder
from appliance.contracts.errors import Code, VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import remembered
from appliance.inference.backends.catalogue import Entry

T = TypeVar("T")
_OF_THE_GRAPH = {Code.MODEL_PACKAGE, Code.UNSUPPORTED}
"""What a backend says that cannot run a graph; another graph of the same model may do."""


class Fitting:
    """What is made of a package lies in a folder of its own, which is there until `close`, or the end of a `with`."""

    why_not = ""
    """Why the package is run as it is on a card too, one sentence; empty where it is not, or nobody has asked."""

    def __init__(self, package: ModelPackage, place: Path | None = None) -> None:
        """`place`: where folders are made; None: in the user's cache."""
        self.package = package
        self._place = place or remembered.folder().with_name("on-device")
        self._folder = ExitStack()

    @cached_property
    def on_card(self) -> ModelPackage:
        """The package as it runs on a card; itself where nothing can be moved into its graph."""
        from appliance.inference.graphs import on_device

        try:
            return on_device.derived(self.package, self._folder.enter_context(private_folder(self._place)))
        except VedetteError as error:
            self.why_not = f"The model runs as it is: {error.reason.message}"
        except OSError as error:
            self.why_not = f"The model runs as it is: {self._place} cannot be written ({error.strerror or error})."
        return self.package

    def first(self, entry: Entry, attempt: Callable[[ModelPackage], T]) -> T:
        """What `attempt` gives for the package as this backend is to run it, else as it is. Raises what it raises then."""
        if entry.device and self.on_card is not self.package:
            try:
                return attempt(self.on_card)
            except VedetteError as error:
                if error.reason.code not in _OF_THE_GRAPH:
                    raise
                self.why_not = f"The model runs as it is: {error.reason.message}"
        return attempt(self.package)

    def close(self) -> None:
        self._folder.close()

    def __enter__(self) -> Fitting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
