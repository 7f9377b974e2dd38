"""The children of a TrainingJob: an Indexed Job and the headless Service by which its pods find each other. Pure."""

from __future__ import annotations

from appliance.contracts.resources.base import GROUP
from appliance.contracts.resources.objects import TrainingJobResource
from appliance.contracts.resources.tasks import TASK, TrainingTask
from vedette_operator.build.job import failure_policy
from vedette_operator.build.manifest import Manifest, child, sealed, template
from vedette_operator.build.pod import FOLDER, Container, Surroundings, pod

_PORT = 29400
_SCRATCH = (("/tmp", "10Gi"), (FOLDER, "100Gi"))  # noqa: S108 - an emptyDir of the pod's own; snapshots are copied there
_PYTHON = "/opt/vedette/bin/python"


def labels(job: TrainingJobResource) -> dict[str, str]:
    return {f"{GROUP}/trainingjob": job.metadata.name, f"{GROUP}/part": "trainer"}


def job_name(job: TrainingJobResource) -> str:
    """Another for each retry: what has failed stays to be looked at until the next one begins."""
    return f"{job.metadata.name}-t{job.spec.retry}"


def service(job: TrainingJobResource) -> Manifest:
    """Gives each pod a name in DNS before it is ready: they wait for each other."""
    manifest = child(job, "v1", "Service", job_name(job), labels(job))
    manifest["spec"] = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": labels(job),
        "ports": [{"name": "rendezvous", "port": _PORT}],
    }
    return sealed(manifest)


def training_job(job: TrainingJobResource, here: Surroundings, configuration: str | None = None) -> Manifest:
    """One pod for each node; a lost pod is made again and resumes at the last checkpoint in the object store.

    `configuration`: the text of the ConfigMap where the spec names one.
    """
    spec, name = job.spec, job_name(job)
    manifest = child(job, "batch/v1", "Job", name, labels(job))
    container = Container("trainer", here.training_image, _command(job), _environment(job, configuration), _SCRATCH)
    trainer = pod(container, spec, spec.resources_per_node, here) | {"restartPolicy": "Never", "subdomain": name}
    manifest["spec"] = {
        "completionMode": "Indexed",
        "completions": spec.num_nodes,
        "parallelism": spec.num_nodes,
        "backoffLimit": spec.backoff_limit,
        "suspend": spec.suspend,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": failure_policy("trainer"),
        "template": template(job, labels(job), trainer),
    }
    return sealed(manifest)


def _command(job: TrainingJobResource) -> tuple[str, ...]:
    """torchrun's own rendezvous where there is more than one pod; the first pod of the Job is met. training/nodes.py is torchrun
    that keeps the exit code."""
    run = ("-m", "appliance.training.cluster")
    if job.spec.num_nodes == 1:
        return (_PYTHON, *run)
    name = job_name(job)
    meet = ("--rdzv-backend=c10d", f"--rdzv-endpoint={name}-0.{name}:{_PORT}", f"--rdzv-id={job.metadata.uid}")
    return (_PYTHON, "-m", "appliance.training.nodes", f"--nnodes={job.spec.num_nodes}", *meet, *run)


def _environment(job: TrainingJobResource, configuration: str | None) -> dict[str, str]:
    """The whole spec as one value: the trainer reads the same contract."""
    task = TrainingTask(name=job.metadata.name, uid=job.metadata.uid, spec=job.spec, configuration=configuration)
    return {
        TASK: task.model_dump_json(by_alias=True, exclude_none=True),
        "VEDETTE_WORK_FOLDER": FOLDER,
        "VEDETTE_WORK_LOG_FORMAT": "json",
    }
