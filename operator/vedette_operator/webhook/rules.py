"""What is refused, and what is only warned of, because of other objects. Pure; called by review.py.

An object alone is judged by its CRD. What cannot be known yet, because objects may be applied in any order, is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from appliance.contracts.resources.base import package_name, package_version
from appliance.contracts.resources.objects import DetectorResource, TrainingJobResource
from appliance.contracts.resources.training_spec import Publish

_FINISHED = ("Complete", "Failed")


@dataclass(frozen=True)
class Verdict:
    """`refused`: one sentence and a remedy; empty: it may pass. `warnings` are shown to whoever asked."""

    refused: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Others:
    """What is known of the namespace but the object in question. `detectors` and `trainings` are those not on their way out."""

    detectors: tuple[DetectorResource, ...] = ()
    trainings: tuple[TrainingJobResource, ...] = ()

    def detector(self, name: str) -> DetectorResource | None:
        return next((each for each in self.detectors if each.metadata.name == name), None)

    def trainings_but(self, name: str) -> Iterator[TrainingJobResource]:
        return (each for each in self.trainings if each.metadata.name != name)


def of_training(job: TrainingJobResource, before: TrainingJobResource | None, others: Others) -> Verdict:
    """A TrainingJob that is made, or one that is run again: `before` is what it was, None where it is new.

    Any other change passes: what it publishes never changes, and was judged when it was made.
    """
    publish = job.spec.publish
    if publish is None or (before is not None and job.spec.retry <= before.spec.retry):
        return Verdict()
    for refused in (
        _other_model(publish, others),
        _published_twice(job.metadata.name, publish, others),
        _served(publish, others),
    ):
        if refused:
            return Verdict(refused)
    return Verdict(warnings=tuple(_of_absence(publish, others)))


def of_deleted_detector(name: str, others: Others) -> Verdict:
    """It may always go; trainings that wanted to hand over to it go on, and say so in the end."""
    waiting = [
        job.metadata.name for job in others.trainings if _hands_over_to(job, name) and job.status.state not in _FINISHED
    ]
    warnings = [
        f"TrainingJob {job} will hand its model package over to {name}: the package will wait in the store."
        for job in waiting[:3]
    ]
    if len(waiting) > len(warnings):
        warnings.append(f"So will {len(waiting) - len(warnings)} more TrainingJobs.")
    return Verdict(warnings=tuple(warnings))


def _other_model(publish: Publish, others: Others) -> str:
    """A detector bears the name of its model, so one that is not there yet is known by its name."""
    if publish.detector_ref is None:
        return ""
    name = publish.detector_ref.name
    detector = others.detector(name)
    model = package_name(detector.spec.model.storage_uri) if detector else name
    if model == publish.model:
        return ""
    return (
        f"spec.publish.detectorRef: Detector {name} serves the model {model}, and this job publishes {publish.model}. "
        f"Give publish.model {model}, or name the Detector {publish.model}."
    )


def _published_twice(name: str, publish: Publish, others: Others) -> str:
    for other in others.trainings_but(name):
        theirs = other.spec.publish
        same = theirs is not None and (theirs.model, theirs.version) == (publish.model, publish.version)
        if same and other.status.state != "Failed":
            return (
                f"spec.publish: TrainingJob {other.metadata.name} publishes {publish.model} {publish.version} already. "
                f"Give publish.version another version, or delete {other.metadata.name}."
            )
    return ""


def _served(publish: Publish, others: Others) -> str:
    for detector in others.detectors:
        if publish.version in _versions(detector, publish.model):
            return (
                f"spec.publish.version: Detector {detector.metadata.name} serves {publish.model} {publish.version}, "
                "and a version never changes its content. Give publish.version a version that is not in use."
            )
    return ""


def _versions(detector: DetectorResource, model: str) -> Iterable[str | None]:
    """Of this model: the one asked for, the one that serves, and the one on its way."""
    uri = detector.spec.model.storage_uri
    if package_name(uri) != model:
        return ()
    canary = detector.status.canary
    return package_version(uri), detector.status.current_version, canary.version if canary else None


def _of_absence(publish: Publish, others: Others) -> Iterator[str]:
    if publish.detector_ref is not None and others.detector(publish.detector_ref.name) is None:
        yield (
            f"spec.publish.detectorRef: there is no Detector {publish.detector_ref.name} yet. "
            "Make it before the training ends, or the model package waits in the store."
        )


def _hands_over_to(job: TrainingJobResource, name: str) -> bool:
    publish = job.spec.publish
    return publish is not None and publish.detector_ref is not None and publish.detector_ref.name == name
