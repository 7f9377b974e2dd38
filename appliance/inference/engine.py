"""The engine Job: `python -m appliance.inference.engine`. Builds what computes one model package here, and says what will run.

Reads VEDETTE_TASK (an EngineTask), VEDETTE_STORE_* and VEDETTE_WORK_*; leaves an EngineStatus in the termination message.
"""

from __future__ import annotations

import sys

from appliance.contracts.model_package import Precision
from appliance.contracts.resources.detector_status import EngineStatus
from appliance.contracts.resources.tasks import EngineTask
from appliance.inference import allowance, job_backend, jobs
from appliance.inference.backends import catalogue, machine
from appliance.inference.job_backend import JobBackend
from appliance.inference.jobs import Surroundings

_SHORT = 256
_PLAIN = {"onnxruntime-cuda": "onnxruntime", "tensorrt-rtx": "tensorrt"}
"""What the resource calls them."""


def build(task: EngineTask, given: Surroundings) -> EngineStatus:
    """Blocks for as long as an engine takes to build."""
    package = given.package(task.package)
    given.heed()
    settings = given.settings.model_copy(update={"batch_tiles": task.batch_tiles})
    within = allowance.of_worker(settings)
    opened = job_backend.opened(package, task.backend, Precision(task.precision), within, given.stopped)
    try:
        return status(opened, within.batch_size)
    finally:
        opened.backend.close()


def status(opened: JobBackend, batch_size: int) -> EngineStatus:
    """Of what is open."""
    about, package = opened.backend.about, opened.package
    on_card = next((entry.device for entry in catalogue.entries() if entry.name == about.name), False)
    cards = machine.cards() or [about.device]
    manifest, precision = package.manifest, package.precision.value
    content = package.digest.removeprefix("sha256:")[:12]
    device = cards[0] if on_card else machine.processor()
    parts = [f"{manifest.name} {manifest.version} {content}", precision, about.library, device, f"batch {batch_size}"]
    return EngineStatus.model_validate(
        {
            "key": ", ".join(parts)[:_SHORT],
            "backend": _PLAIN.get(about.name, about.name),
            "precision": precision,
            "gpu": cards[0][:_SHORT] if on_card else None,
            "build_seconds": opened.build_seconds,
        }
    )


if __name__ == "__main__":
    sys.exit(jobs.run("engine", EngineTask, build))
