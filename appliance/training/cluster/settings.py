"""What a trainer's pod is given, read once from its environment: VEDETTE_TASK and where things go. Called by __main__.py."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.tasks import TASK, TrainingTask
from appliance.training.configuration import TrainingConfiguration

UNPUBLISHED = "0.0.0"


class TrainerSettings(BaseSettings):
    """VEDETTE_TASK, VEDETTE_WORK_FOLDER and VEDETTE_WORK_LOG_FORMAT."""

    model_config = SettingsConfigDict(env_prefix="VEDETTE_", frozen=True)
    task: str = ""
    work_folder: Path = Path("/var/lib/vedette")
    work_log_format: str = "json"


def parse_task(text: str) -> TrainingTask:
    """Raises VedetteError(INVALID) naming the first wrong field."""
    try:
        return TrainingTask.model_validate_json(text)
    except ValidationError as error:
        raise VedetteError(
            Code.INVALID, f"{TASK}: {_first(error)}", "Use the operator and trainer of one version."
        ) from error


def configuration_of(task: TrainingTask) -> TrainingConfiguration:
    """The whole configuration: inline, or the text of the ConfigMap, with the name and version to publish under.

    Raises VedetteError(INVALID) naming the first wrong field.
    """
    inline = task.spec.configuration.inline
    where = "spec.configuration.inline" if inline else "the ConfigMap of spec.configuration"
    given = inline.model_dump(mode="json", exclude_none=True) if inline else _parsed(task.configuration or "", where)
    publish = task.spec.publish
    named = (
        {"name": publish.model, "version": publish.version} if publish else {"name": task.name, "version": UNPUBLISHED}
    )
    try:
        return TrainingConfiguration.model_validate({**given, **named})
    except ValidationError as error:
        raise VedetteError(Code.INVALID, f"{where}: {_first(error)}", "Correct that field.") from error


def _parsed(text: str, where: str) -> dict[str, object]:
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise VedetteError(Code.INVALID, f"{where} is not YAML.", "Correct it.") from error
    if not isinstance(given, dict):
        raise VedetteError(
            Code.INVALID, f"{where} holds no training configuration.", "Write it as for `vedette train -f`."
        )
    return given


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole"
    return f"{where}: {first['msg']}."
