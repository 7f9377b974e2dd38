"""`vedette detector apply -f` where the appliance runs on a cluster: the same resource as by kubectl. Called by apply.py."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from appliance.cli.connection import Session
from appliance.cli.detector.push import push
from appliance.cli.detector.resource_file import Declared
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.objects import DetectorResource
from appliance.formats import model_package

_PATH = "/api/resources/detectors"


class _Given(RootModel[dict[str, Any]]):
    """What the file gives, without defaults: these are the API server's."""


def runs_on_one(session: Session) -> bool:
    """Whether the appliance keeps Detectors. Raises VedetteError(UNAVAILABLE | UNAUTHENTICATED)."""
    try:
        session.api.send("GET", f"{_PATH}?limit=1")
    except VedetteError as error:
        if error.reason.code is Code.UNSUPPORTED:
            return False
        raise
    return True


def apply(session: Session, declared: Declared) -> DetectorResource:
    """Bring the package when its folder was named, then apply the resource. Twice changes nothing.

    Raises VedetteError(DIGEST | MODEL_PACKAGE | INVALID), the last with the API server's own sentence.
    """
    if declared.folder is not None:
        push(session, model_package.read(declared.folder, declared.detector.spec.model.digest), None)
    given = declared.detector.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"status"})
    return session.api.post(_PATH, _Given(given), DetectorResource)
