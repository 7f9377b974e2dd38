"""The children of a Detector: a Deployment for each version that serves or may, and Jobs for engine and gates. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from appliance.contracts.resources.base import GROUP, package_version
from appliance.contracts.resources.objects import DetectorResource
from appliance.contracts.resources.tasks import TASK, EngineTask, GateTask, PackageReference
from appliance.contracts.serving import Serving
from vedette_operator.build import serving as build_serving
from vedette_operator.build.job import failure_policy
from vedette_operator.build.manifest import Manifest, child, sealed, short, template
from vedette_operator.build.pod import FOLDER, METRICS_PORT, Container, Surroundings, pod

_ENGINE_SECONDS = 3600
_PYTHON = "/opt/vedette/bin/python"


@dataclass(frozen=True)
class Measured:
    """A package as it is, or would be, served: what a gate measures."""

    digest: str
    uri: str
    serving: Serving = Serving()


def labels(detector: DetectorResource, digest: str = "", part: str = "worker") -> dict[str, str]:
    """Of the pods of one version; without a digest, of all pods that serve."""
    found = {f"{GROUP}/detector": detector.metadata.name, f"{GROUP}/part": part}
    return found | ({f"{GROUP}/package": short(digest)} if digest else {})


def selector(detector: DetectorResource) -> str:
    return ",".join(f"{name}={value}" for name, value in labels(detector).items())


def deployment_name(detector: DetectorResource, digest: str) -> str:
    """Another for a Detector that is made again under its name: Kubernetes' garbage collector takes an object that went and came
    while it was not looking (a restarted API server) for the same, and would leave the pods of the first one running."""
    return f"{detector.metadata.name}-{_key(digest, detector.metadata.uid)}"


def engine_job_name(detector: DetectorResource, digest: str) -> str:
    """One for each package, backend, precision and batch: another choice is another engine."""
    runtime = detector.spec.runtime
    return f"{detector.metadata.name}-e-{_key(digest, detector.metadata.uid, runtime.backend, runtime.precision, runtime.batching.max_batch_size)}"


def gate_job_name(detector: DetectorResource, digest: str, serving: Serving) -> str:
    """One for each package as served, set of gates, and retry."""
    gates = [gate.model_dump(mode="json") for gate in detector.spec.rollout.gates]
    served = build_serving.text(serving)
    return (
        f"{detector.metadata.name}-g-{_key(digest, detector.metadata.uid, gates, detector.spec.rollout.retry, served)}"
    )


def deployment(
    detector: DetectorResource, package: tuple[str, str], replicas: int, here: Surroundings, serving: str = ""
) -> Manifest:
    """The workers of one package, (digest, storageUri), served as the ConfigMap of that name says."""
    digest, uri = package
    mine = labels(detector, digest)
    manifest = child(detector, "apps/v1", "Deployment", deployment_name(detector, digest), mine)
    container = Container(
        "worker",
        here.inference_image,
        (_PYTHON, "-m", "appliance.inference.worker"),
        _work(detector, uri, here, serving),
        serving=serving,
        probed=True,
    )
    workers = pod(container, detector.spec, detector.spec.resources, here) | {"terminationGracePeriodSeconds": 60}
    manifest["spec"] = {
        "replicas": replicas,
        "revisionHistoryLimit": 1,
        "selector": {"matchLabels": dict(mine)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "template": template(detector, mine, workers),
    }
    return sealed(manifest)


def engine_job(detector: DetectorResource, package: tuple[str, str], here: Surroundings) -> Manifest:
    """Builds the engine of one package on a node that the workers may run on."""
    digest, uri = package
    runtime = detector.spec.runtime
    task = EngineTask(
        package=PackageReference(uri=uri, digest=digest),
        backend=runtime.backend,
        precision=runtime.precision,
        batch_tiles=runtime.batching.max_batch_size,
    )
    container = _step("engine", here, task.model_dump_json(by_alias=True, exclude_none=True))
    return _job(detector, engine_job_name(detector, digest), digest, container, here)


def gate_job(
    detector: DetectorResource, candidate: Measured, baseline: Measured | None, here: Surroundings
) -> Manifest:
    """Measures one package, and the one that serves where a gate compares, on the snapshots of the gates."""
    runtime = detector.spec.runtime
    task = GateTask(
        package=PackageReference(uri=candidate.uri, digest=candidate.digest),
        serving=candidate.serving,
        baseline=PackageReference(uri=baseline.uri, digest=baseline.digest) if baseline else None,
        baseline_serving=baseline.serving if baseline else Serving(),
        gates=detector.spec.rollout.gates,
        backend=runtime.backend,
        precision=runtime.precision,
    )
    container = _step("gates", here, task.model_dump_json(by_alias=True, exclude_none=True))
    name = gate_job_name(detector, candidate.digest, candidate.serving)
    return _job(detector, name, candidate.digest, container, here)


def _job(detector: DetectorResource, name: str, digest: str, container: Container, here: Surroundings) -> Manifest:
    mine = labels(detector, digest, container.name)
    manifest = child(detector, "batch/v1", "Job", name, mine)
    once = pod(container, detector.spec, detector.spec.resources, here) | {"restartPolicy": "Never"}
    manifest["spec"] = {
        "backoffLimit": 3,
        "activeDeadlineSeconds": _ENGINE_SECONDS,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": failure_policy(container.name),
        "template": template(detector, mine, once),
    }
    return sealed(manifest)


def _step(name: str, here: Surroundings, task: str) -> Container:
    environment = {TASK: task, "VEDETTE_WORK_FOLDER": FOLDER, "VEDETTE_WORK_LOG_FORMAT": "json"}
    command = (_PYTHON, "-m", f"appliance.inference.{name}")
    return Container(name, here.inference_image, command, environment | _packages(here))


def _work(detector: DetectorResource, uri: str, here: Surroundings, serving: str) -> dict[str, str]:
    """As clients/settings.py reads it (WorkSettings)."""
    runtime = detector.spec.runtime
    found = {
        "VEDETTE_WORK_DETECTORS": f"{detector.metadata.name}/{package_version(uri)}",
        "VEDETTE_WORK_BACKEND": runtime.backend,
        "VEDETTE_WORK_PRECISION": runtime.precision,
        "VEDETTE_WORK_BATCH_TILES": str(runtime.batching.max_batch_size),
        "VEDETTE_WORK_BATCH_DELAY_MILLISECONDS": str(runtime.batching.max_delay_milliseconds),
        "VEDETTE_WORK_FOLDER": FOLDER,
        "VEDETTE_WORK_METRICS_HOST": "0.0.0.0",  # noqa: S104 - probes come from the node
        "VEDETTE_WORK_METRICS_PORT": str(METRICS_PORT),
        "VEDETTE_WORK_LOG_FORMAT": "json",
    }
    return found | _packages(here) | ({"VEDETTE_WORK_SERVING": build_serving.PATH} if serving else {})


def _packages(here: Surroundings) -> dict[str, str]:
    return {"VEDETTE_WORK_PACKAGES_URL": here.packages_url} if here.packages_url else {}


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]
