"""What the engine Job and the gate Job have in common: the task, the surroundings, the termination message, the exit code.

Called by engine.py and gates.py, which bring the work. The operator reads message and code from the pod (ADR 16).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from appliance.clients import logging, termination
from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import StoreSettings, WorkSettings
from appliance.contracts.base import Contract
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.reports import BROKE, DONE, HOPELESS, LATER, STOPPED
from appliance.contracts.resources.tasks import TASK, PackageReference
from appliance.formats.model_package import ModelPackage
from appliance.inference import worker_packages
from appliance.inference.worker_packages import PackageCache

_FOLDER = Path("/var/lib/vedette")

T = TypeVar("T", bound=Contract)


@dataclass(frozen=True)
class Surroundings:
    """What a Job has. `stopped` is set by SIGTERM."""

    store: ObjectStore
    settings: WorkSettings
    packages: PackageCache
    stopped: Event

    def package(self, reference: PackageReference) -> ModelPackage:
        """Raises VedetteError(INVALID) where the package lies in another bucket, and what PackageCache.get raises."""
        bucket, _, prefix = reference.uri.removeprefix("s3://").partition("/")
        if bucket != self.store.bucket:
            message = f"{reference.uri} lies in another bucket than {self.store.bucket}."
            raise VedetteError(Code.INVALID, message, "Copy the model package into our bucket.")
        return self.packages.get(prefix.rstrip("/") + "/", reference.digest)

    def heed(self) -> None:
        """Raises VedetteError(CANCELLED) once the pod is to end."""
        if self.stopped.is_set():
            raise VedetteError(Code.CANCELLED, "The Job was told to stop.", retryable=True)


def work_settings() -> WorkSettings:
    """VEDETTE_WORK_*, below /var/lib/vedette unless another folder is named."""
    return WorkSettings(folder=Path(os.environ.get("VEDETTE_WORK_FOLDER") or _FOLDER))


def run(component: str, task: type[T], work: Callable[[T, Surroundings], BaseModel]) -> int:
    """Do the work of VEDETTE_TASK and leave its report, or one sentence, in the termination message; the exit code."""
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        settings = work_settings()
        logging.configure(component, settings.log_format)
        _settle_caches(settings.folder)
        store = ObjectStore(StoreSettings())
        packages = worker_packages.kept_in(settings.folder, store, settings.packages_url)
        report = work(_task(task), Surroundings(store, settings, packages, stopped))
    except VedetteError as error:
        logging.get().error("failed", code=error.reason.code.value, reason=str(error.reason))
        termination.leave(str(error.reason))
        return STOPPED if stopped.is_set() else LATER if error.reason.retryable else HOPELESS
    except Exception as error:
        logging.get().exception("broke")
        termination.leave(f"It broke: {type(error).__name__}: {error}".replace("\n", " "))
        return BROKE
    termination.leave(report.model_dump_json(by_alias=True, exclude_none=True))
    logging.get().info("done")
    return DONE


def _task(model: type[T]) -> T:
    try:
        return model.model_validate_json(os.environ.get(TASK, ""))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or TASK
        message = f"{TASK} is not a task: {where}: {first['msg']}."
        raise VedetteError(Code.INVALID, message, "Use an operator and an image of one version.") from error


def _settle_caches(folder: Path) -> None:
    """In a container without a home of its own, engines and what was measured are kept below the work folder."""
    if not os.environ.get("XDG_CACHE_HOME") and not os.access(os.environ.get("HOME") or "/nowhere", os.W_OK):
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
