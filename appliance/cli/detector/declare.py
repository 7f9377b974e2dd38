"""Make the appliance what a Detector in YAML says, and no more often than needed. Called by apply.py.

Knows nothing of YAML. Standalone mode keeps no Detector beside its packages and subscriptions: these are compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from appliance.api.views.uploads import ChangeDetector
from appliance.cli.connection import Session
from appliance.cli.detector.notes import notes
from appliance.cli.detector.push import push
from appliance.cli.detector.resource_file import Declared
from appliance.contracts.base import Contract
from appliance.contracts.detector import Detector
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.base import package_name, package_version
from appliance.contracts.resources.detector_spec import DetectorSpec, ModelSource
from appliance.formats import model_package


class Applied(Contract):
    """What came of it, for --json."""

    detector: Detector
    changed: bool
    notes: list[str] = Field(description="What of the file standalone mode does not do.")


def declare(session: Session, declared: Declared) -> Applied:
    """Push the package when its folder was named and it is not there, then subscribe. Twice changes nothing.

    Raises VedetteError(DIGEST | NOT_FOUND | CONFLICT | MODEL_PACKAGE).
    """
    model = declared.detector.spec.model
    served = list(session.api.pages("/api/detectors", Detector))
    found, pushed = chosen(served, model, declared.source), False
    if declared.folder is not None:
        # Read even when it is there: a folder with other content than the file says is a fault to be told.
        package = model_package.read(declared.folder)
        if package.digest != model.digest:
            raise _other_digest(declared.source, model, f"{declared.folder} has digest {package.digest}")
        if found is None:
            found, pushed = push(session, package, None), True
    if found is None:
        raise _unknown(declared.source, model)
    wanted = subscriptions(declared.detector.spec)
    moved = not subscribed(served, found, wanted)
    if moved:
        path = f"/api/detectors/{found.name}/{found.version}"
        found = session.api.patch(path, ChangeDetector(subscribe=wanted), Detector)
    return Applied(detector=found, changed=pushed or moved, notes=notes(declared.detector))


def chosen(served: Sequence[Detector], model: ModelSource, source: str) -> Detector | None:
    """The version that the model source means; None when the appliance has no such. Raises VedetteError(DIGEST)."""
    name, version = package_name(model.storage_uri), package_version(model.storage_uri)
    for each in served:
        if (each.name, each.version) == (name, version):
            if each.digest != model.digest:
                raise _other_digest(source, model, f"{name} {version} of the appliance has digest {each.digest}")
            return each
    return None


def subscriptions(spec: DetectorSpec) -> list[str]:
    """Datasets whose items get a run by themselves; none while the detector is suspended."""
    return [] if spec.suspend else [each.dataset for each in spec.subscribe]


def subscribed(served: Sequence[Detector], found: Detector, wanted: Sequence[str]) -> bool:
    """Whether this version has exactly these subscriptions, and no other version of the detector has any."""
    others = [each for each in served if each.name == found.name and each.version != found.version]
    return set(found.subscribe) == set(wanted) and not any(each.subscribe for each in others)


def _other_digest(source: str, model: ModelSource, actual: str) -> VedetteError:
    return VedetteError(
        Code.DIGEST,
        f"{source}: spec.model.digest is {model.digest}, but {actual}.",
        "Correct the digest, or name the package that it is of.",
    )


def _unknown(source: str, model: ModelSource) -> VedetteError:
    name = f"{package_name(model.storage_uri)} {package_version(model.storage_uri)}"
    return VedetteError(
        Code.NOT_FOUND,
        f"{source}: the appliance has no model package {name}.",
        "Bring it with `vedette detector apply PACKAGE`, or give its folder as storageUri: file:///FOLDER.",
    )
