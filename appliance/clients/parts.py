"""Send the parts of a file to pre-signed addresses of the store, several at once, each tried again with a back-off.

Used by the CLI for items and model packages. Knows neither S3 nor our API: a part is a number, a range of the file and
an address that takes a PUT.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx

from appliance.clients.http import tls_context
from appliance.contracts.errors import Code, VedetteError

_CHUNK = 256 << 10
_TRIES = 6
_AGAIN = "Run the same command again: only what is missing is sent."


@dataclass(frozen=True)
class Part:
    number: int
    offset: int
    size_bytes: int
    url: str


class Expired(Exception):  # noqa: N818
    """The address is no longer good; ask for a fresh one."""


class Stopped(Exception):  # noqa: N818
    """The person pressed Ctrl-C."""


@dataclass(frozen=True)
class Stamp:
    """What tells that a file was changed while it was being read."""

    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns)


class PartSender:
    """Holds the connections and threads; shared by all files of a push. `stop` ends it within a chunk or a time-out."""

    def __init__(self, stop: Event, parallel: int = 4, pause: float = 0.5) -> None:
        self._stop = stop
        self._pause = pause
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="part")
        # One client serves every store address: they share a host, and differ in nothing but the signature.
        self._http = httpx.Client(
            timeout=httpx.Timeout(60.0, connect=10.0),
            limits=httpx.Limits(max_connections=parallel),
            verify=tls_context("https:"),
            trust_env=False,
        )

    def close(self) -> None:
        self._pool.shutdown(wait=not self._stop.is_set(), cancel_futures=True)
        self._http.close()

    def send(self, path: Path, parts: Sequence[Part], sent: Callable[[int], None]) -> None:
        """Send these parts; `sent` hears of every part's bytes once the store has them all.

        Raises Expired, Stopped, or VedetteError(STORE, retryable | DISK | CONFLICT).
        """
        stamp = Stamp.of(path)
        futures = [self._pool.submit(self._part, path, part, sent) for part in parts]
        try:
            _first_error(futures)
        finally:
            for future in futures:
                future.cancel()
        if Stamp.of(path) != stamp:
            raise VedetteError(Code.CONFLICT, f"{path} was changed while it was being sent.", "Push it again.")

    def _part(self, path: Path, part: Part, sent: Callable[[int], None]) -> None:
        problem = ""
        for attempt in range(_TRIES):
            if self._stop.is_set():
                raise Stopped
            try:
                response = self._http.put(
                    part.url, content=self._read(path, part), headers={"Content-Length": str(part.size_bytes)}
                )
            except httpx.TransportError as error:
                problem = str(error) or type(error).__name__
            else:
                if response.is_success:
                    sent(part.size_bytes)
                    return
                problem = _refusal(path, response)
            self._stop.wait(self._pause * 2**attempt * random.uniform(0.75, 1.25))  # noqa: S311 - not a secret
        raise VedetteError(
            Code.STORE, f"The store did not take part {part.number} of {path}: {problem}.", _AGAIN, retryable=True
        )

    def _read(self, path: Path, part: Part) -> Iterator[bytes]:
        with path.open("rb") as stream:
            stream.seek(part.offset)
            left = part.size_bytes
            while left:
                if self._stop.is_set():
                    raise Stopped
                chunk = stream.read(min(_CHUNK, left))
                if not chunk:
                    raise VedetteError(
                        Code.CONFLICT, f"{path} became shorter while it was being sent.", "Push it again."
                    )
                left -= len(chunk)
                yield chunk


def _refusal(path: Path, response: httpx.Response) -> str:
    """What to say of an answer worth another try; raises for one that is not."""
    if response.status_code == 507 or b"StorageFull" in response.content:
        raise VedetteError(Code.DISK, f"The store is full: {path} does not fit.", "Make room, then push it again.")
    if response.status_code in (400, 403, 404):
        raise Expired
    return f"it answered {response.status_code}"


def _first_error(futures: Sequence[Future[None]]) -> None:
    """Wait for all, or for the first that fails, whose error is raised."""
    done, _ = wait(futures, return_when="FIRST_EXCEPTION")
    for future in done:
        future.result()
