"""What a loaded model costs, for Prometheus: how long it computed, card memory it took, engines built for it.

Held by DetectorMetrics; `engine_built` is for whoever builds engines. Labels are detectors and versions.
"""

from __future__ import annotations

import time
from collections import Counter as Counted
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Labels = tuple[str, str]
_BUILD_SECONDS = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)


class ModelMetrics:
    """`process_bytes`: card memory that this process holds, None where nobody tells."""

    def __init__(self, registry: CollectorRegistry, process_bytes: Callable[[], int | None] = lambda: None) -> None:
        labels = ("detector", "version")
        self._process_bytes = process_bytes
        self._lock = Lock()
        self._running: Counted[Labels] = Counted()
        self._since: dict[Labels, float] = {}
        self._busy = Counter(
            "vedette_model_busy_seconds", "Time in which the model computed, once for all at once.", labels, registry=registry
        )  # fmt: skip
        self._memory = Gauge(
            "vedette_model_gpu_memory_bytes", "What the model's loading took of the cards.", labels, registry=registry
        )
        self._builds = Histogram(
            "vedette_engine_build_seconds", "Time of building an engine.", labels, buckets=_BUILD_SECONDS, registry=registry
        )  # fmt: skip

    @contextmanager
    def busy(self, labels: Labels) -> Iterator[None]:
        """An execution of the model; executions side by side count once, so that the rate is a share of time."""
        with self._lock:
            if not self._running[labels]:
                self._since[labels] = time.monotonic()
            self._running[labels] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[labels] -= 1
                if not self._running[labels]:
                    self._busy.labels(*labels).inc(time.monotonic() - self._since[labels])

    @contextmanager
    def loading(self, labels: Labels) -> Iterator[None]:
        """The loading of a model. What others load meanwhile on the same worker counts too."""
        before = self._process_bytes()
        yield
        after = self._process_bytes()
        if after is not None:
            self._memory.labels(*labels).set(max(0, after - (before or 0)))

    def unloaded(self, labels: Labels) -> None:
        if labels in {tuple(sample.labels.values()) for metric in self._memory.collect() for sample in metric.samples}:
            self._memory.remove(*labels)

    def engine_built(self, labels: Labels, seconds: float) -> None:
        self._builds.labels(*labels).observe(seconds)
