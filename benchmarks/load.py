"""Many requests to one server over kept connections, and how long each took. Used by `tiles` and `vectors`.

As light as may be (the standard library's client in threads): it shares the machine with what it measures.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Load:
    """`latencies` in seconds, in no order; `seconds` from the first request until the last answer; bytes of all bodies."""

    seconds: float
    latencies: list[float]
    size_bytes: int

    @property
    def requests_per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile_milliseconds(self, percent: float) -> float:
        return float(np.percentile(self.latencies, percent) * 1e3)


def ask(
    url: str,
    paths: Sequence[str],
    headers: Mapping[str, str],
    threads: int,
    statuses: frozenset[int] = frozenset({200}),
) -> Load:
    """Every path once, by `threads` connections that take turns. Ends the benchmark at any other status."""
    left, lock = iter(paths), threading.Lock()
    latencies: list[float] = []
    problems: list[str] = []
    sizes: list[int] = []

    def work() -> None:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=_TIMEOUT_SECONDS)
        try:
            while not problems:
                with lock:
                    path = next(left, None)
                if path is None:
                    return
                began = time.perf_counter()
                connection.request("GET", path, headers=dict(headers))
                answer = connection.getresponse()
                body = answer.read()
                latencies.append(time.perf_counter() - began)
                sizes.append(len(body))
                if answer.status not in statuses:
                    problems.append(f"GET {path}: {answer.status} {body[:300]!r}")
        except (OSError, http.client.HTTPException) as error:
            problems.append(f"{url}: {error!r}")
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    if problems:
        raise SystemExit(problems[0])
    return Load(seconds, latencies, sum(sizes))
