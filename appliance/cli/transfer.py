"""Bring one file's missing parts into the store. Used by `item push` and `detector apply`; knows neither of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Lock
from typing import BinaryIO

from appliance.api.views.uploads import Upload, UploadPart
from appliance.clients.parts import Expired, Part, PartSender, Stopped
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError

_CHUNK = 4 << 20
_ROUNDS_WITHOUT_PROGRESS = 3


def digest(path: Path, stop: Event, read: Callable[[float], None]) -> Sha256:
    """The file's digest in one pass of constant memory; `read` hears how far it is, from 0 to 1."""
    size = path.stat().st_size
    if size == 0:
        raise VedetteError(Code.EMPTY, f"{path} is empty.", "Push a file that holds a scene.")
    sha256, done = hashlib.sha256(), 0
    with _opened(path) as stream:
        while chunk := stream.read(_CHUNK):
            if stop.is_set():
                raise Stopped
            sha256.update(chunk)
            done += len(chunk)
            read(min(1.0, done / size))
    return f"sha256:{sha256.hexdigest()}"


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except PermissionError as error:
        raise VedetteError(Code.UNREADABLE, f"{path} may not be read by you.", "Change its permissions.") from error


def send(
    sender: PartSender, path: Path, first: Upload, again: Callable[[], Upload], sent: Callable[[float], None]
) -> None:
    """Send what is missing until nothing is. `again` asks for the upload anew: fresh addresses, and what is there by now.

    Raises VedetteError(STORE, retryable) when addresses are refused over and over.
    """
    size = path.stat().st_size
    upload, fruitless = first, 0
    while missing := [part for part in upload.parts if not part.done]:
        arrived = _Counter(sum(part.size_bytes for part in upload.parts if part.done), size, sent)
        try:
            sender.send(path, _parts(upload, missing), arrived.add)
        except Expired:
            fruitless = 0 if arrived.grew else fruitless + 1
            if fruitless >= _ROUNDS_WITHOUT_PROGRESS:
                raise VedetteError(
                    Code.STORE,
                    f"The store refuses the addresses it gave for {path}.",
                    "Check the clocks of both machines, then run the same command again.",
                    retryable=True,
                ) from None
        upload = again()


def _parts(upload: Upload, missing: Sequence[UploadPart]) -> list[Part]:
    """Those of the missing parts that have an address: the server gives a thousand at a time."""
    step = upload.part_size_bytes
    return [Part(p.number, (p.number - 1) * step, p.size_bytes, p.url) for p in missing if p.url is not None]


class _Counter:
    """Adds up what arrived; called from the sender's threads."""

    def __init__(self, before: int, size: int, sent: Callable[[float], None]) -> None:
        self._lock = Lock()
        self._bytes = before
        self._size = size
        self._sent = sent
        self.grew = False

    def add(self, count: int) -> None:
        with self._lock:
            self._bytes += count
            self.grew = True
            fraction = min(1.0, self._bytes / self._size)
        self._sent(fraction)
