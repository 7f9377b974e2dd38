"""What a media worker tells Prometheus of the items it normalises. Made by worker.py; never an item in a label."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from appliance.contracts.item import SceneInfo
from appliance.contracts.messages import NormaliseScene

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400)


class MediaMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._items = Counter("vedette_worker_items", "Items by how they ended here.", ("outcome",), registry=registry)
        self._bytes = Counter("vedette_normalise_bytes", "Bytes of originals normalised.", registry=registry)
        self._megapixels = Counter("vedette_normalise_megapixels", "Megapixels normalised.", registry=registry)
        self._seconds = Histogram("vedette_normalise_seconds", "Time of one item.", buckets=_SECONDS, registry=registry)
        self._speed = Gauge("vedette_normalise_megapixels_per_second", "Of the last item.", registry=registry)

    def finished(self, work: NormaliseScene, scene: SceneInfo, seconds: float) -> None:
        megapixels = scene.width * scene.height / 1e6
        self.ended("ready")
        self._bytes.inc(work.size_bytes)
        self._megapixels.inc(megapixels)
        self._seconds.observe(seconds)
        if seconds > 0:
            self._speed.set(megapixels / seconds)

    def ended(self, outcome: str) -> None:
        """`outcome`: ready, or the code of the reason."""
        self._items.labels(outcome).inc()
