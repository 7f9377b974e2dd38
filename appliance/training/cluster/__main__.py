"""The trainer's process: reads its environment, builds its clients, runs, and says how it ended (ending.py)."""

from __future__ import annotations

import os
import sys
import warnings

from pydantic import ValidationError
from rasterio.errors import NotGeoreferencedWarning

from appliance.clients import logging, termination
from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import MessagingSettings, StoreSettings
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.reports import BROKE, DONE, TrainingReport
from appliance.training import peers
from appliance.training.cluster import ending
from appliance.training.cluster.run import Trainer
from appliance.training.cluster.settings import TrainerSettings, configuration_of, parse_task


def main() -> int:
    settings = TrainerSettings()
    logging.configure("trainer", settings.work_log_format)
    # Images without georeference are welcome in training: rasterio's warning would only confuse.
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    try:
        report = _run(settings)
    except VedetteError as error:
        logging.get().error("training ended", reason=str(error.reason), code=error.reason.code)
        termination.leave(str(error.reason))
        return ending.code_of(error)
    except Exception as error:
        logging.get().exception("training failed")
        termination.leave(f"Training failed: {type(error).__name__}: {error}")
        return BROKE
    if report is not None:
        termination.leave(report.model_dump_json(by_alias=True))
        logging.get().info("done", package=report.model_package.storage_uri, digest=report.model_package.digest)
    return DONE


def _run(settings: TrainerSettings) -> TrainingReport | None:
    stop = ending.Stop()
    stop.listen()
    task = parse_task(settings.task)
    configuration = configuration_of(task)
    store = _store()
    messaging = MessagingSettings() if "VEDETTE_NATS_URL" in os.environ else None
    with peers.joined() as together:
        trainer = Trainer(task, configuration, ObjectStore(store), messaging, settings.work_folder, store.bucket)
        return trainer.run(together, stop)


def _store() -> StoreSettings:
    try:
        return StoreSettings()
    except ValidationError as error:
        names = ", ".join(str(each["loc"][0]) for each in error.errors())
        message = f"The object store's settings are missing: {names}."
        raise VedetteError(Code.INVALID, message, "Give the pod the Secret vedette-clients.") from error


if __name__ == "__main__":
    sys.exit(main())
