"""The Celery application of `dispatch`: durable queue, persistent messages, publisher confirms, late acknowledgement, one
message at a time. Reads BENCH_AMQP_URL. Imported by the worker and by celery_dispatch.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from celery import Celery

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import marks

app = Celery("jobs", broker=os.environ["BENCH_AMQP_URL"])
app.conf.update(
    broker_transport_options={"confirm_publish": True},
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_default_delivery_mode="persistent",
    task_ignore_result=True,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="job")
def job(path: str, sent: int) -> None:
    marks.started(path, sent)
