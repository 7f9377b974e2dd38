"""`dispatch`: from publishing a job until a worker starts it, and jobs per second, against Celery with RabbitMQ and a bare
JetStream pull consumer. Durable on every side: NATS with `sync_interval: always`; a durable queue, persistent messages and
publisher confirms in RabbitMQ, late acknowledgement and a prefetch of one in Celery.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from benchmarks import rabbitmq, servers
from benchmarks.environment import run_peer, run_side
from benchmarks.report import Comparison, compare, interleave

_UNITS = {"p50": ("lower", "ms"), "p95": ("lower", "ms"), "rate": ("higher", "1/s")}
_METRICS = {
    "p50": "publish to start, median",
    "p95": "publish to start, 95th percentile",
    "rate": "jobs per second of a backlog",
}


def run(quick: bool) -> Iterator[Comparison]:
    """At most 0.6 of Celery's median, its 95th percentile no worse, 1.2 times its rate, 0.85 of the bare consumer's."""
    size = {"waiting": 10, "backlog": 30} if quick else {"waiting": 300, "backlog": 2000}
    with servers.temporary_folder() as folder, servers.nats(folder) as nats, rabbitmq.node(folder) as broker:
        settings = nats.settings()
        os.environ["VEDETTE_NATS_URL"], os.environ["VEDETTE_NATS_USER"] = settings.url, settings.user
        os.environ["VEDETTE_NATS_PASSWORD"] = settings.password.get_secret_value()
        os.environ["BENCH_AMQP_URL"] = broker
        results = interleave(
            1 if quick else 5,
            ours=lambda: run_side("dispatch", frame="ours", **size),
            bare=lambda: run_side("dispatch", frame="bare", **size),
            celery=lambda: run_peer("celery_dispatch", **size),
        )
    for figure in ("p50", "p95", "rate"):
        yield _compared(figure, results, "celery", "Celery with RabbitMQ")
    for figure in ("p50", "rate"):
        yield _compared(figure, results, "bare", "bare JetStream pull consumer")


def _compared(figure: str, results: dict[str, list[dict[str, Any]]], side: str, name: str) -> Comparison:
    ours, peer = ([one[figure] for one in results[key]] for key in ("ours", side))
    better, unit = _UNITS[figure]
    return compare("dispatch", _METRICS[figure], ours, (name, peer), better, unit)
