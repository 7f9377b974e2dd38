"""What is seen of a TrainingJob when it is reconciled: its Job, what the trainer said, and what the spec names. Called by controller.py."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import ValidationError

from appliance.clients.kubernetes import Kubernetes
from appliance.contracts import keys
from appliance.contracts.resources.objects import TrainingJobResource
from appliance.contracts.resources.reports import TrainingReport
from appliance.contracts.resources.training_status import PublishedPackage
from vedette_operator import observe, seen, sources
from vedette_operator.boards import Boards
from vedette_operator.build import training as build
from vedette_operator.cache import Cache
from vedette_operator.errors import SourceError
from vedette_operator.observe import Children
from vedette_operator.reconcile.observed import Job, Problem
from vedette_operator.reconcile.training import OURS, ObservedTraining, ended, status_of
from vedette_operator.store import Store


@dataclass(frozen=True)
class Observer:
    """`bucket`: where packages are published."""

    client: Kubernetes
    cache: Cache
    store: Store
    boards: Boards
    bucket: str

    async def observe(self, job: TrainingJobResource) -> tuple[ObservedTraining, tuple[seen.Seen, ...]]:
        """What is seen, and what is in the way and must go first. Raises VedetteError while the API server is away."""
        children = observe.children(self.cache, job)
        name = build.job_name(job)
        made = next((each for each in children.jobs if each.name == name), None)
        pods = children.of_job(name)
        ours = job.spec.managed_by in (None, OURS)
        begins = made is None and ours and not ended(status_of(job))
        problem, configuration = await self._named(job) if begins else (None, None)
        found = ObservedTraining(
            children=children.applied,
            job=observe.told(made, pods) if made else None,
            pods=tuple(pod.pod for pod in pods if not pod.going and pod.phase in ("Pending", "Running")),
            problem=problem,
            trainer=self.boards.trainers.get(job.metadata.uid),
            failures=max(made.failed if made else 0, job.status.failures or 0 if made else 0),
            last_failure=observe.latest(pods),
            configuration=configuration,
        )
        if made is not None and made.job.outcome == "complete":
            found = await self._completed(job, found, children)
        return found, children.former

    async def _completed(
        self, job: TrainingJobResource, found: ObservedTraining, children: Children
    ) -> ObservedTraining:
        """With what its first pod said; where that is lost with its node, with the package that lies in the store."""
        name = build.job_name(job)
        report = _report(children.of_job(name)) or _report(await observe.ask_for_pods(self.client, self.cache, name))
        if report is not None:
            return replace(found, package=report.model_package, verdict=report.verdict)
        uri = self._uri(job)
        package = await self.store.package(uri)
        if package.state == "there":
            return replace(found, package=PublishedPackage(storage_uri=uri, digest=package.digest))
        if package.state == "unknown":  # it may well be there: not the moment to say that the job has failed
            return replace(found, problem=_LOST)
        return replace(found, job=Job("failed", "It ended, but no package and no word of it is left.", hopeless=True))

    def _uri(self, job: TrainingJobResource) -> str:
        publish = job.spec.publish
        model, version = (publish.model, publish.version) if publish else (job.metadata.name, "0.0.0")
        return f"s3://{self.bucket}/{keys.model_prefix(model, version)}".rstrip("/")

    async def _named(self, job: TrainingJobResource) -> tuple[Problem | None, str | None]:
        """(what is missing, the text of the configuration's ConfigMap)."""
        problem = await self._snapshots(job) or await self._origin(job)
        reference = job.spec.configuration.config_map_ref
        if reference is None:
            return problem, None
        try:
            return problem, sources.named(reference, self.cache.config_map, "Configuration")[0]
        except SourceError as error:
            return problem or Problem(error.reason, error.message), None

    async def _snapshots(self, job: TrainingJobResource) -> Problem | None:
        data = job.spec.dataset
        for what, digest in (("train", data.train), ("validation", data.validation), ("test", data.test)):
            there = await self.store.snapshot(digest) if digest else True
            if there is None:
                return _AWAY
            if not there:
                return Problem(
                    "SnapshotMissing", f"Snapshot {digest}, dataset.{what}, is not in the object store: push it."
                )
        return None

    async def _origin(self, job: TrainingJobResource) -> Problem | None:
        origin = job.spec.from_
        found = await self.store.package(origin.storage_uri) if origin else None
        if origin is None or found is None:
            return None
        if found.state == "unknown":
            return _AWAY
        if found.state == "missing":
            return Problem(
                "PackageMissing", f"{origin.storage_uri}, spec.from, is not in the object store: bring it there."
            )
        if origin.digest is not None and origin.digest != found.digest:
            return Problem(
                "DigestMismatch", f"{origin.storage_uri} has the digest {found.digest}, not {origin.digest}."
            )
        return None


_AWAY = Problem(
    "StoreUnavailable", "The object store does not answer, so it is not known whether the snapshots are there."
)
_LOST = Problem(
    "StoreUnavailable",
    "It has ended, and what it said is lost with its pod. The object store, which would know of its package, does not answer.",
)


def _report(pods: tuple[seen.Pod, ...]) -> TrainingReport | None:
    for text in observe.reports(pods):
        try:
            return TrainingReport.model_validate_json(text)
        except ValidationError:  # another pod than the first says nothing
            continue
    return None
