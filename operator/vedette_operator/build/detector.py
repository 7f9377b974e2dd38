"""The children of a Detector: a Deployment for each version that serves or may, and Jobs for engine and gates. Pure."""

from __future__ import annotations

import hashlib
import json

from appliance.contracts.resources.base import GROUP, package_version
from appliance.contracts.resources.detector_spec import Gate
from appliance.contracts.resources.objects import DetectorResource
from vedette_operator.build.manifest import Manifest, child, sealed, short
from vedette_operator.build.pod import Container, Surroundings, pod

_ENGINE_SECONDS = 3600
_PYTHON = "/opt/vedette/bin/python"


def labels(detector: DetectorResource, digest: str = "", part: str = "worker") -> dict[str, str]:
    """Of the pods of one version; without a digest, of all pods that serve."""
    found = {f"{GROUP}/detector": detector.metadata.name, f"{GROUP}/part": part}
    return found | ({f"{GROUP}/package": short(digest)} if digest else {})


def selector(detector: DetectorResource) -> str:
    return ",".join(f"{name}={value}" for name, value in labels(detector).items())


def deployment_name(detector: DetectorResource, digest: str) -> str:
    return f"{detector.metadata.name}-{short(digest)}"


def engine_job_name(detector: DetectorResource, digest: str) -> str:
    """One for each package, backend and precision: another choice is another engine."""
    runtime = detector.spec.runtime
    return f"{detector.metadata.name}-e-{_key(digest, runtime.backend, runtime.precision)}"


def gate_job_name(detector: DetectorResource, digest: str) -> str:
    """One for each package, set of gates and retry."""
    gates = [gate.model_dump(mode="json") for gate in detector.spec.rollout.gates]
    return f"{detector.metadata.name}-g-{_key(digest, gates, detector.spec.rollout.retry)}"


def deployment(detector: DetectorResource, package: tuple[str, str], replicas: int, here: Surroundings) -> Manifest:
    """The workers of one package, (digest, storageUri)."""
    digest, uri = package
    mine = labels(detector, digest)
    manifest = child(detector, "apps/v1", "Deployment", deployment_name(detector, digest), mine)
    batching = detector.spec.runtime.batching
    environment = _runtime(detector, digest, uri) | {
        "VEDETTE_WORK_DETECTORS": f"{detector.metadata.name}/{package_version(uri)}",
        "VEDETTE_WORK_FOLDER": "/var/lib/vedette",
        "VEDETTE_MAX_BATCH_SIZE": str(batching.max_batch_size),
        "VEDETTE_MAX_DELAY_MILLISECONDS": str(batching.max_delay_milliseconds),
    }
    container = Container("worker", here.inference_image, (_PYTHON, "-m", "appliance.inference.worker"), environment)
    template = {"metadata": {"labels": mine}, "spec": pod(container, detector.spec, detector.spec.resources, here)}
    template["spec"]["terminationGracePeriodSeconds"] = 60
    manifest["spec"] = {
        "replicas": replicas,
        "revisionHistoryLimit": 1,
        "selector": {"matchLabels": mine},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "template": template,
    }
    return sealed(manifest)


def engine_job(detector: DetectorResource, package: tuple[str, str], here: Surroundings) -> Manifest:
    """Builds the engine of one package on a node that the workers may run on."""
    name = engine_job_name(detector, package[0])
    return _job(detector, name, package, _step("engine", here, _runtime(detector, *package)), here)


def gate_job(
    detector: DetectorResource, package: tuple[str, str], serving: tuple[str, str] | None, here: Surroundings
) -> Manifest:
    """Measures one package, and the one that serves where a gate compares, on the snapshots of the gates."""
    name = gate_job_name(detector, package[0])
    gates = [_dump(gate) for gate in detector.spec.rollout.gates]
    environment = _runtime(detector, *package) | {"VEDETTE_GATES": json.dumps(gates, sort_keys=True)}
    if serving is not None:
        environment |= {"VEDETTE_BASELINE_DIGEST": serving[0], "VEDETTE_BASELINE_URI": serving[1]}
    return _job(detector, name, package, _step("gates", here, environment), here)


def _job(
    detector: DetectorResource, name: str, package: tuple[str, str], container: Container, here: Surroundings
) -> Manifest:
    mine = labels(detector, package[0], container.name)
    manifest = child(detector, "batch/v1", "Job", name, mine)
    template = {"metadata": {"labels": mine}, "spec": pod(container, detector.spec, detector.spec.resources, here)}
    template["spec"]["restartPolicy"] = "Never"
    manifest["spec"] = {"backoffLimit": 3, "activeDeadlineSeconds": _ENGINE_SECONDS, "template": template}
    return sealed(manifest)


def _step(name: str, here: Surroundings, environment: dict[str, str]) -> Container:
    return Container(name, here.inference_image, (_PYTHON, "-m", f"appliance.inference.{name}"), environment)


def _runtime(detector: DetectorResource, digest: str, uri: str) -> dict[str, str]:
    runtime = detector.spec.runtime
    return {
        "VEDETTE_PACKAGE_DIGEST": digest,
        "VEDETTE_PACKAGE_URI": uri,
        "VEDETTE_BACKEND": runtime.backend,
        "VEDETTE_PRECISION": runtime.precision,
        "VEDETTE_DETECTOR": detector.metadata.name,
    }


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]


def _dump(gate: Gate) -> dict[str, object]:
    return gate.model_dump(mode="json", by_alias=True, exclude_none=True)
