"""The gate Job: `python -m appliance.inference.gates`. Measures a package on the snapshots of a rollout's gates, as it will serve.

Reads VEDETTE_TASK (a GateTask), VEDETTE_STORE_* and VEDETTE_WORK_*; leaves a GateReport in the termination message. One model is
open at a time, scenes are streamed one after another, and of each only the objects found are kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.clients import logging
from appliance.clients.private_folder import private_folder
from appliance.contracts.base import Sha256
from appliance.contracts.model_package import Precision
from appliance.contracts.resources.reports import GateReport
from appliance.contracts.resources.tasks import GateTask
from appliance.formats.snapshot import Snapshot
from appliance.inference import allowance, evaluation, gate_figures, gate_snapshots, job_backend, jobs, served_as
from appliance.inference.evaluation import Reading
from appliance.inference.gate_figures import Need, Who
from appliance.inference.jobs import Surroundings
from appliance.inference.options import PredictOptions
from appliance.inference.served_as import ServedAs


def measure(task: GateTask, given: Surroundings) -> GateReport:
    """Every package on every snapshot that a gate needs, once."""
    compares = task.baseline is not None
    served = {"candidate": served_as.checked(task.serving), "baseline": served_as.checked(task.baseline_serving)}
    wanted = gate_figures.needs(task.gates, compares)
    figures: dict[Need, dict[str, float | int]] = {}
    with private_folder(given.settings.folder / "gates") as folder:
        measuring = _Measuring(given, folder, {})
        for digest in dict.fromkeys(digest for _, digest in wanted):
            measuring.fetch(digest)
        for who in dict.fromkeys(who for who, _ in wanted):
            with _reading(who, task, given, served[who]) as reading:
                for digest in (digest for each, digest in wanted if each == who):
                    figures[who, digest] = measuring.figures(digest, reading, who)
    return gate_figures.report(task.gates, compares, figures)


@contextmanager
def _reading(who: Who, task: GateTask, given: Surroundings, served: ServedAs) -> Iterator[Reading]:
    reference = task.package if who == "candidate" or task.baseline is None else task.baseline
    within = allowance.of_worker(given.settings)
    whole = given.package(reference)
    given.heed()
    opened = job_backend.opened(whole, task.backend, Precision(task.precision), within, given.stopped)
    try:
        own = PredictOptions(decode_threads=given.settings.threads)
        yield Reading(served.manifest(opened.package.manifest), opened.backend, served.options(own))
    finally:
        opened.backend.close()


@dataclass(frozen=True)
class _Measuring:
    """The snapshots that were fetched, by digest."""

    given: Surroundings
    folder: Path
    held: dict[Sha256, Snapshot]

    def fetch(self, digest: Sha256) -> None:
        """Scenes too are verified before any model is opened: figures of others would say nothing."""
        held = gate_snapshots.fetch(self.given.store, digest, self.folder / digest.removeprefix("sha256:"))
        for item in held.manifest.items:
            gate_snapshots.verify(self.given.store, item, self.given.heed)
        logging.get().info("snapshot verified", snapshot=digest, items=len(held.manifest.items))
        self.held[digest] = held

    def figures(self, digest: Sha256, reading: Reading, who: Who) -> dict[str, float | int]:
        held, pairs = self.held[digest], []
        for number, item in enumerate(held.manifest.items, 1):
            source = gate_snapshots.source(self.given.store, item)
            found = evaluation.found_in(source, item, reading, self.given.stopped.is_set)
            pairs.append((found, evaluation.labelled(held, item, reading, source)))
            logging.get().info("measured", package=who, item=item.name, done=number, of=len(held.manifest.items))
        return evaluation.measure(pairs, reading.manifest.running_point.threshold)


if __name__ == "__main__":
    sys.exit(jobs.run("gates", GateTask, measure))
