"""What of a Detector standalone mode does not do, one note for each field that was given. Called by declare.py; pure.

A field is never dropped in silence: either it is honoured, or it is here.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.contracts.resources import validate
from appliance.contracts.resources.base import Resource
from appliance.contracts.resources.detector_spec import Rollout, Runtime
from appliance.contracts.resources.objects import DetectorResource, Metadata

_OF_RUNTIME = {
    "backend": "each worker chooses its own, or takes that of VEDETTE_WORK_BACKEND",
    "precision": "each worker chooses its own, or takes that of VEDETTE_WORK_PRECISION",
    "batching": "VEDETTE_WORK_BATCH_TILES and VEDETTE_WORK_BATCH_DELAY_MILLISECONDS say it for every detector",
}
_OF_METADATA = {"namespace": "there is one place for all detectors", "labels": "they are not kept"}
_OF_ROLLOUT = {
    "canary_percent": "this version takes all new runs at once",
    "progress_deadline_seconds": "this version takes all new runs at once",
    "retry": "there is no rollout to try again",
}


def notes(detector: DetectorResource) -> list[str]:
    """Sentences, in the order in which a person reads the file."""
    spec = detector.spec
    found = [*_each(Metadata, "metadata", detector.metadata, _OF_METADATA)]
    found += _each(Runtime, "spec.runtime", spec.runtime, _OF_RUNTIME)
    found += _processing(detector)
    found += [f"needs a cluster: {field}." for field in validate.needs_a_cluster(detector)]
    if "strategy" in spec.rollout.model_fields_set and spec.rollout.strategy == "Canary":
        found.append(_unmet("spec.rollout.strategy", "this version takes all new runs at once, as with Recreate"))
    found += _each(Rollout, "spec.rollout", spec.rollout, _OF_ROLLOUT)
    if spec.suspend:
        found.append(
            "spec.suspend: it has no subscriptions while it is suspended, so no item gets a run by itself; "
            "needs a cluster: runs that are queued go on, and people may start others."
        )
    return found


def _processing(detector: DetectorResource) -> Iterator[str]:
    """What a run would do otherwise on a cluster."""
    spec = detector.spec
    for index, subscription in enumerate(spec.subscribe):
        if subscription.where is not None:
            every = f"every item of {subscription.dataset} gets a run"
            yield _unmet(f"spec.subscribe[{index}].where", every)
    if spec.recipe is not None and spec.recipe.inline is not None:
        yield _unmet("spec.recipe.inline", "the package's own recipe runs")
    if spec.running_point is not None and spec.running_point.threshold is not None:
        yield _unmet("spec.runningPoint", "the package's own running point holds")


def _each(kind: type[Resource], where: str, value: Resource, instead: dict[str, str]) -> Iterator[str]:
    """A note for each field of `value` that was given, by its name in YAML."""
    for name, said in instead.items():
        if name in value.model_fields_set:
            yield _unmet(f"{where}.{kind.model_fields[name].alias or name}", said)


def _unmet(field: str, instead: str) -> str:
    return f"needs a cluster: {field}; here {instead}."
