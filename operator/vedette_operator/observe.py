"""What both resources need to see of their children. Reads the cache; asks the API server only for what a lost pod said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from appliance.clients.kubernetes import Kubernetes
from appliance.clients.kubernetes_kinds import PODS
from appliance.contracts.resources.conditions import FailureInfo
from appliance.contracts.resources.objects import AnyResource
from vedette_operator import seen
from vedette_operator.cache import Cache
from vedette_operator.reconcile import observed
from vedette_operator.reconcile.observed import ChildKey
from vedette_operator.translate import translated


@dataclass(frozen=True)
class Children:
    """`own`: of this very object; `former`: of one of the same name that is gone, in the way of what is to come;
    `pods`: of this very object too, its children's."""

    own: tuple[seen.Seen, ...]
    former: tuple[seen.Seen, ...]
    pods: tuple[seen.Pod, ...]

    @property
    def applied(self) -> dict[ChildKey, str]:
        return {each.key: each.applied for each in self.own}

    @property
    def jobs(self) -> tuple[seen.Job, ...]:
        return tuple(each for each in self.own if isinstance(each, seen.Job))

    def of_job(self, name: str) -> tuple[seen.Pod, ...]:
        return tuple(pod for pod in self.pods if pod.job == name)


def children(cache: Cache, resource: AnyResource) -> Children:
    belonging = cache.belonging((resource.kind, resource.metadata.name))
    made = [each for each in belonging if each.owner is not None and each.owner.kind == resource.kind]
    uid = resource.metadata.uid
    return Children(
        own=tuple(each for each in made if each.owner and each.owner.uid == uid),
        former=tuple(each for each in made if each.owner and each.owner.uid != uid and not each.going),
        pods=tuple(each for each in belonging if isinstance(each, seen.Pod) and each.of == uid),
    )


def told(job: seen.Job, pods: Iterable[seen.Pod]) -> observed.Job:
    """The Job, in the words of its last pod that failed."""
    failures = sorted((pod for pod in pods if pod.failure is not None), key=lambda pod: pod.name)
    last = latest(failures)
    words = next((pod.report for pod in failures if last is not None and pod.failure == last and pod.report), "")
    return replace(job.job, message=words) if job.job.outcome == "failed" and words else job.job


def latest(pods: Iterable[seen.Pod]) -> FailureInfo | None:
    found = [pod.failure for pod in pods if pod.failure is not None]
    return max(found, key=lambda failure: (failure.time, failure.location), default=None)


def reports(pods: Iterable[seen.Pod]) -> list[str]:
    """What the pods said that ended well."""
    return [pod.report for pod in pods if pod.pod.exit_code == 0 and pod.report]


async def ask_for_pods(client: Kubernetes, cache: Cache, job: str) -> tuple[seen.Pod, ...]:
    """Of a Job that has ended while its pods are not known: the Job's event may have overtaken theirs."""
    page = await client.list(PODS, labels=f"batch.kubernetes.io/job-name={job}")
    found = [translated(each) for each in page.items]
    for each in found:
        cache.put(each)
    return tuple(each for each in found if isinstance(each, seen.Pod))
