"""Celery with RabbitMQ: jobs published one by one to a worker that waits, then a backlog. Reads BENCH_AMQP_URL.

The worker is Celery's default, with one process in its pool.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery_jobs import app, job

from benchmarks import marks

_PAUSE_SECONDS = 0.005
_WARM_UP = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--waiting", type=int, required=True)
    parser.add_argument("--backlog", type=int, required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        one_by_one, at_once = Path(folder) / "one-by-one", Path(folder) / "at-once"
        with _worker():
            for number in range(_WARM_UP + given.waiting):
                job.delay(str(one_by_one), time.monotonic_ns())
                marks.wait(one_by_one, number + 1)
                time.sleep(_PAUSE_SECONDS)
        for _ in range(given.backlog):
            job.delay(str(at_once), time.monotonic_ns())
        with _worker():
            marks.wait(at_once, given.backlog)
        app.control.purge()
        print(json.dumps(marks.figures(marks.read(one_by_one)[_WARM_UP:], marks.read(at_once))))


@contextmanager
def _worker() -> Iterator[None]:
    options = ("--concurrency", "1", "--without-gossip", "--without-mingle", "--without-heartbeat")
    command = [sys.executable, "-m", "celery", "-A", "celery_jobs", "worker", "--loglevel", "ERROR", *options]
    process = subprocess.Popen(command, cwd=Path(__file__).parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
