"""What is seen of a Detector when it is reconciled: its children, what Jobs reported, its queue, and what it names. Called by controller.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

from pydantic import ValidationError

from appliance.clients.kubernetes import Kubernetes
from appliance.contracts.resources.detector_status import EngineStatus
from appliance.contracts.resources.objects import DetectorResource
from appliance.contracts.resources.reports import GateReport
from appliance.contracts.serving import SERVING_FILE, Serving
from vedette_operator import observe, seen, sources
from vedette_operator.boards import Boards
from vedette_operator.build import detector as build
from vedette_operator.build.manifest import short
from vedette_operator.cache import Cache
from vedette_operator.errors import SourceError
from vedette_operator.observe import Children
from vedette_operator.reconcile.observed import Job, Measure, Mounts, Observed, Package, Pod, Problem, Queue
from vedette_operator.reconcile.rollout import wants
from vedette_operator.store import Store


@dataclass(frozen=True)
class Observer:
    client: Kubernetes
    cache: Cache
    store: Store
    boards: Boards

    async def observe(self, detector: DetectorResource) -> tuple[Observed, tuple[seen.Seen, ...]]:
        """What is seen, and what is in the way and must go first. Raises VedetteError while the API server is away."""
        children = observe.children(self.cache, detector)
        jobs, reported, lost = await self._jobs(detector, children)
        package, problems = await self._package(detector)
        serving, wrong = self._serving(detector)
        return Observed(
            children=children.applied,
            pods=tuple(_pods(detector, children)),
            jobs=jobs,
            engines=_engines(children, reported),
            measures=_measures(detector, serving, reported),
            queue=self._queue(detector.metadata.name),
            problems=(*problems, *wrong),
            package=package,
            serving=serving,
            mounts=_mounts(children),
            last_failure=observe.latest(children.pods),
        ), (*children.former, *lost)

    async def _jobs(
        self, detector: DetectorResource, children: Children
    ) -> tuple[dict[str, Job], dict[str, str], list[seen.Seen]]:
        """(Jobs, what they reported, those whose report is lost), by name."""
        jobs: dict[str, Job] = {}
        reported: dict[str, str] = {}
        lost: list[seen.Seen] = []
        for job in children.jobs:
            pods = children.of_job(job.name)
            found = observe.reports(pods)
            if job.job.outcome == "complete" and not found and job.name not in _remembered(detector):
                pods = await observe.ask_for_pods(self.client, self.cache, job.name)
                found = observe.reports(pods)
                if not found and not job.going:
                    lost.append(job)
            jobs[job.name] = observe.told(job, pods)
            reported |= {job.name: found[-1]} if found else {}
        return jobs, reported, lost

    async def _package(self, detector: DetectorResource) -> tuple[Package | None, list[Problem]]:
        model, waits = detector.spec.model, wants(detector.spec, detector.status)
        found = await self.store.package(model.storage_uri)
        problems = []
        if found.state == "missing":
            problems.append(
                Problem("PackageMissing", f"{model.storage_uri} is not in the object store: bring it there.")
            )
        elif found.state == "there" and found.digest != model.digest:
            said = f"The package at {model.storage_uri} has the digest {found.digest}, not {model.digest}."
            problems.append(
                Problem("DigestMismatch", f"{said} Publish it as a new version, or correct spec.model.digest.")
            )
        elif found.state == "unknown" and waits:
            problems.append(_AWAY)
        if waits and not problems:
            problems += [each async for each in self._snapshots(detector)]
        return found.package, problems

    async def _snapshots(self, detector: DetectorResource) -> AsyncIterator[Problem]:
        for digest in dict.fromkeys(gate.snapshot for gate in detector.spec.rollout.gates):
            there = await self.store.snapshot(digest)
            if there is None:
                yield _AWAY
                return
            if not there:
                yield Problem(
                    "SnapshotMissing", f"Snapshot {digest} of a gate is not in the object store: push it there."
                )

    def _serving(self, detector: DetectorResource) -> tuple[Serving | None, list[Problem]]:
        problems = []
        try:
            sources.subscriptions(detector.spec)
        except SourceError as error:
            problems.append(Problem(error.reason, error.message))
        try:
            return sources.serving(detector.spec, self.cache.config_map), problems
        except SourceError as error:
            return None, [*problems, Problem(error.reason, error.message)]

    def _queue(self, name: str) -> Queue:
        told = self.boards.queues.get(name)
        return Queue() if told is None else Queue(told.pending_megapixels, told.oldest_queued_at, told.busy)


_AWAY = Problem(
    "StoreUnavailable", "The object store does not answer, so what this version needs is not known. It is asked again."
)


def _remembered(detector: DetectorResource) -> set[str]:
    """The Jobs whose reports stand in the status."""
    status = detector.status
    canary = status.canary
    engines = [status.engine, canary.engine if canary is not None else None]
    names = {each.job for each in engines if each is not None}
    names.add(canary.gate_job if canary is not None else None)
    return {name for name in names if name}


def _pods(detector: DetectorResource, children: Children) -> Iterator[Pod]:
    """Those that serve, and those of Jobs that cannot start. One that has ended for good is no news of now."""
    status = detector.status
    known = {detector.spec.model.digest, status.current_digest}
    digests = {short(digest): digest for digest in known if digest}
    for each in children.pods:
        if each.going or each.package not in digests:
            continue
        if each.part == "worker" and each.phase not in ("Succeeded", "Failed"):
            yield replace(each.pod, digest=digests[each.package])
        elif each.job and each.phase == "Pending":
            yield replace(each.pod, digest=digests[each.package], ready=False, exit_code=None)


def _engines(children: Children, reported: dict[str, str]) -> dict[str, EngineStatus]:
    found = {}
    for job in children.jobs:
        if job.part == "engine" and job.name in reported:
            try:
                found[job.name] = EngineStatus.model_validate_json(reported[job.name])
            except ValidationError:
                continue
    return found


def _measures(
    detector: DetectorResource, serving: Serving | None, reported: dict[str, str]
) -> dict[str, dict[Measure, float]]:
    """In the order of the gates, which the Job's name stands for."""
    if serving is None:
        return {}
    candidate, baseline = detector.spec.model.digest, detector.status.current_digest
    name = build.gate_job_name(detector, candidate, serving)
    try:
        report = GateReport.model_validate_json(reported[name])
    except (KeyError, ValidationError):
        return {}
    found: dict[Measure, float] = {}
    for gate, measure in zip(detector.spec.rollout.gates, report.measures, strict=False):
        found[candidate, gate.snapshot, gate.metric] = measure.value
        if baseline and measure.baseline is not None:
            found[baseline, gate.snapshot, gate.metric] = measure.baseline
    return {name: found}


def _mounts(children: Children) -> Mounts:
    contents = {}
    for each in children.own:
        if isinstance(each, seen.ConfigMap):
            try:
                contents[each.name] = Serving.model_validate_json(each.data.get(SERVING_FILE, ""))
            except ValidationError:  # of another version of ours
                continue
    return Mounts(
        deployments={each.name: each.serving for each in children.own if isinstance(each, seen.Deployment)},
        pods=frozenset(pod.serving for pod in children.pods if pod.serving),
        contents=contents,
    )
