"""Checkpoints of a TrainingJob in the object store. Called by run.py and, through the watch, by the loop.

An object's name is the step and the digest of its content, and a PUT is whole or nothing: no list of them is needed that could
be torn. The two newest are kept, so that one that was damaged costs one interval more and not the training.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.clients import logging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts.errors import Code, VedetteError
from appliance.formats import digest
from appliance.training.checkpoint import FILE

_KEPT = 2
_MEDIA_TYPE = "application/octet-stream"


@dataclass
class Checkpoints:
    """`prefix` ends in '/'."""

    store: ObjectStore
    prefix: str
    every_seconds: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._asked, self._step = self.clock(), -1

    def due(self) -> bool:
        return self.clock() - self._asked >= self.every_seconds

    def saved(self, path: Path, step: int, last: bool) -> None:
        """Send the file up when it is time, or the last chance. A store that is away costs only this checkpoint."""
        if step == self._step or not (last or self.due()):
            return
        self._asked = self.clock()
        key = f"{self.prefix}{step:012d}-{digest.of_file(path).removeprefix('sha256:')}.pt"
        try:
            self.store.put_file(key, path, _MEDIA_TYPE)
            self._step = step
            self.store.delete(self._newest_first()[_KEPT:])
        except VedetteError as error:
            logging.get().warning("checkpoint not stored", step=step, reason=str(error.reason))
        else:
            logging.get().info("checkpoint stored", step=step)

    def restore(self, folder: Path) -> None:
        """The newest whole checkpoint into `folder`, if there is one. Raises VedetteError(STORE, retryable)."""
        folder.mkdir(parents=True, exist_ok=True)
        for key in self._newest_first():
            path = folder / FILE
            wanted = f"sha256:{key.rsplit('-', 1)[1].removesuffix('.pt')}"
            with contextlib.suppress(_Gone):
                _get(self.store, key, path)
                if digest.of_file(path) == wanted:
                    logging.get().info("resuming", checkpoint=key)
                    return
            path.unlink(missing_ok=True)
            logging.get().warning("checkpoint damaged", checkpoint=key)

    def remove(self) -> None:
        self.store.delete(self._newest_first())

    def _newest_first(self) -> list[str]:
        found = [each.key for each in self.store.list_objects(self.prefix) if each.key.endswith(".pt")]
        return sorted(found, reverse=True)


class _Gone(Exception):  # noqa: N818
    """Listed, but not there any more."""


def _get(store: ObjectStore, key: str, path: Path) -> None:
    try:
        store.get_file(key, path)
    except VedetteError as error:
        if error.reason.code is Code.NOT_FOUND:
            raise _Gone from error
        raise
