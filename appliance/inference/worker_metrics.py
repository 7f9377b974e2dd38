"""What a detector worker tells Prometheus of its model and its runs. Made by worker.py; knows no server.

Names and meanings of the first group are those of Triton (docs: user guide, metrics) and KServe (`request_predict_seconds`),
where a request is one batch handed to the model. Labels are detectors and versions, never items or runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Lock
from typing import Any

from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.registry import Collector

from appliance.contracts.detection import RunSummary
from appliance.contracts.item import SceneInfo
from appliance.contracts.messages import DetectScene
from appliance.contracts.model_package import Manifest
from appliance.inference.backends.base import About, Backend, Outputs

_TRITON = {
    "nv_inference_request_success": "Batches that the model has answered.",
    "nv_inference_request_failure": "Batches that the model has failed on.",
    "nv_inference_count": "Tiles that the model has looked at: a batch of n counts n.",
    "nv_inference_exec_count": "Executions of the model, whatever the size of the batch.",
    "nv_inference_compute_infer_duration_us": "Time in the model, in microseconds, summed over executions.",
}
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RUN_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400)
_Labels = tuple[str, str]


class _Triton(Collector):
    """Counters under Triton's own names: prometheus_client's would end in `_total`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: dict[tuple[str, _Labels], float] = {}

    def add(self, labels: _Labels, **amounts: float) -> None:
        with self._lock:
            for name, amount in amounts.items():
                self._values[name, labels] = self._values.get((name, labels), 0.0) + amount

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            values = dict(self._values)
        for name, meaning in _TRITON.items():
            metric = Metric(name, meaning, "unknown")
            for (of, (model, version)), value in values.items():
                if of == name:
                    metric.add_sample(name, {"model": model, "version": version}, value)
            yield metric


class DetectorMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("detector", "version")
        self._triton = _Triton()
        registry.register(self._triton)
        self._predict = Histogram(
            "request_predict_seconds", "Time of one batch.", ("model_name",), buckets=_SECONDS, registry=registry
        )
        self._runs = Counter(
            "vedette_worker_runs", "Runs by how they ended here.", (*labels, "outcome"), registry=registry
        )
        self._seconds = Histogram(
            "vedette_run_seconds", "Time of a run.", labels, buckets=_RUN_SECONDS, registry=registry
        )
        self._detections = Counter("vedette_run_detections", "Detections of runs.", labels, registry=registry)
        self._megapixels = Counter("vedette_run_megapixels", "Megapixels looked at.", labels, registry=registry)
        self._area = Counter(
            "vedette_run_square_kilometres", "Ground looked at, where it is known.", labels, registry=registry
        )
        self._density = Gauge(
            "vedette_run_detections_per_square_kilometre", "Of the last run with a ground.", labels, registry=registry
        )
        self._speed = Gauge("vedette_run_megapixels_per_second", "Of the last run.", labels, registry=registry)

    def inferred(self, labels: _Labels, tiles: int, seconds: float) -> None:
        self._predict.labels(labels[0]).observe(seconds)
        self._triton.add(
            labels,
            nv_inference_request_success=1,
            nv_inference_exec_count=1,
            nv_inference_count=tiles,
            nv_inference_compute_infer_duration_us=round(seconds * 1e6),
        )

    def failed_to_infer(self, labels: _Labels) -> None:
        self._triton.add(labels, nv_inference_request_failure=1)

    def finished(self, work: DetectScene, summary: RunSummary) -> None:
        labels = (work.detector, work.version)
        self.ended(work, "finished")
        self._seconds.labels(*labels).observe(summary.seconds)
        self._detections.labels(*labels).inc(summary.detections)
        self._megapixels.labels(*labels).inc(summary.megapixels)
        if summary.seconds > 0:
            self._speed.labels(*labels).set(summary.megapixels / summary.seconds)
        area = square_kilometres(work.scene)
        if area:
            self._area.labels(*labels).inc(area)
            self._density.labels(*labels).set(summary.detections / area)

    def ended(self, work: DetectScene, outcome: str) -> None:
        """`outcome`: finished, or the code of the reason."""
        self._runs.labels(work.detector, work.version, outcome).inc()


def square_kilometres(scene: SceneInfo) -> float | None:
    """The valid part of the scene on the ground, by the ground sample distance at its centre; None without one."""
    if scene.gsd_metres is None:
        return None
    valid = max(band.valid_percent for band in scene.bands) / 100
    return scene.width * scene.height * scene.gsd_metres**2 * valid / 1e6


class MeasuredBackend:
    """A backend whose every batch is counted."""

    def __init__(self, backend: Backend, manifest: Manifest, metrics: DetectorMetrics) -> None:
        self._backend, self._metrics = backend, metrics
        self._labels = (manifest.name, manifest.version)

    @property
    def about(self) -> About:
        return self._backend.about

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        began = time.perf_counter()
        try:
            outputs = self._backend.infer(tiles)
        except BaseException:
            self._metrics.failed_to_infer(self._labels)
            raise
        self._metrics.inferred(self._labels, len(tiles), time.perf_counter() - began)
        return outputs

    def interrupt(self) -> None:
        self._backend.interrupt()

    def close(self) -> None:
        self._backend.close()
