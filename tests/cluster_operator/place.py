"""A namespace in which the operator works, on an API server without nodes: this plays the kubelet, the Job controller and the
Deployment controller by writing what they would write. Used by conftest.py.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml
from pydantic import BaseModel

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.resources.reports import TrainingReport
from appliance.contracts.resources.training_status import PublishedPackage, Verdict
from tests.cluster_crds.api_server import ROOT, ApiServer, KubectlError
from tests.contracts.wrong import changed, example

_MANIFEST = yaml.safe_load((ROOT / "demo" / "tree-crowns" / "manifest.yaml").read_text("utf-8"))
SNAPSHOT, VALIDATION = "sha256:" + "7" * 64, "sha256:" + "8" * 64
SECONDS = 20.0
"""Of patience, on a machine that does other things too."""


def package_digest(version: str) -> str:
    return f"sha256:{hashlib.sha256(version.encode()).hexdigest()}"


@dataclass(frozen=True)
class Place:
    """`model`: of this test alone, so that tests share a store."""

    api: ApiServer
    namespace: str
    store: ObjectStore
    model: str

    def kubectl(self, *words: str, given: Any = None) -> str:
        return self.api.kubectl("-n", self.namespace, *words, given=given)

    def get(self, *words: str) -> Any:
        return self.api.get("-n", self.namespace, *words)

    def apply(self, document: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", given=document)

    def until(self, what: str, condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """What the condition returned once it was true; objects that are not there yet are waited for."""
        deadline = time.monotonic() + seconds
        said: Any = None
        while time.monotonic() < deadline:
            try:
                said = condition()
            except (KubectlError, KeyError, IndexError) as error:
                said = error
            else:
                if said:
                    return said
            time.sleep(0.1)
        raise AssertionError(f"{what} did not come within {seconds:.0f} s: {said}\n{self._situation()}")

    def _situation(self) -> str:
        return self.kubectl("get", "det,tj,deploy,jobs,pods,cm,events", "-o", "wide")

    def detector(self, version: str = "1.0.0", **changes: Any) -> dict[str, Any]:
        """The least Detector, with changes by path (`spec__suspend=True`)."""
        return changed(
            example("detector"),
            {
                "metadata/name": self.model,
                "spec/model/storageUri": self.uri(version),
                "spec/model/digest": package_digest(version),
                **{path.replace("__", "/"): value for path, value in changes.items()},
            },
        )

    def uri(self, version: str) -> str:
        return f"s3://vedette/models/{self.model}/{version}"

    def publish(self, version: str = "1.0.0", digest: str | None = None) -> None:
        """A model package as whoever stores one leaves it."""
        prefix = keys.model_prefix(self.model, version)
        manifest = {**_MANIFEST, "name": self.model, "version": version, "variants": []}
        self.store.put_bytes(f"{prefix}manifest.yaml", yaml.safe_dump(manifest).encode(), "application/yaml")
        self.store.put_bytes(f"{prefix}digest", (digest or package_digest(version)).encode(), "text/plain")

    def snapshot(self, digest: str = SNAPSHOT) -> None:
        self.store.put_bytes(f"{keys.snapshot_prefix(digest)}manifest.json", b"{}", "application/json")

    def status(self, kind: str = "det", name: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = self.get(kind, name or self.model).get("status", {})
        return found

    def condition(self, condition: str, kind: str = "det", name: str | None = None) -> tuple[str, str]:
        """(status, reason)."""
        for each in self.status(kind, name).get("conditions", []):
            if each["type"] == condition:
                return each["status"], each["reason"]
        return "", ""

    def says(self, condition: str, kind: str = "det", name: str | None = None) -> str:
        found = self.status(kind, name)["conditions"]
        return str(next(each["message"] for each in found if each["type"] == condition))

    def children(self, kind: str) -> dict[str, dict[str, Any]]:
        """By name."""
        items = self.get(kind, "-l", "vedette.io/part")["items"]
        return {each["metadata"]["name"]: each for each in items}

    def child(self, kind: str, part: str) -> dict[str, Any]:
        """The only one, once it is there."""
        found = self.until(
            f"the {kind} {part}",
            lambda: [
                each for each in self.children(kind).values() if each["metadata"]["labels"]["vedette.io/part"] == part
            ],
        )
        assert len(found) == 1
        one: dict[str, Any] = found[0]
        return one

    def serve(self, version: str = "1.0.0") -> None:
        """That version, as far as it goes by itself once its pod is ready."""
        self.publish(version)
        self.apply(self.detector(version, spec__rollout={"strategy": "Recreate"}, spec__scaling={"minReplicas": 1}))
        self.run_workers(self.deployment(version))
        self.until(f"version {version}", lambda: self.status()["currentVersion"] == version)

    def deployment(self, version: str) -> dict[str, Any]:
        uid = self.get("det", self.model)["metadata"]["uid"]

        def of_now() -> dict[str, Any] | None:
            """A Detector that was made again has Deployments of other names."""
            package = package_digest(version).removeprefix("sha256:")[:10]
            known = self.get("deploy", "-l", f"vedette.io/package={package},vedette.io/detector={self.model}")["items"]
            return next((each for each in known if each["metadata"]["ownerReferences"][0]["uid"] == uid), None)

        found: dict[str, Any] = self.until(f"Deployment of {version}", of_now)
        return found

    def run_workers(self, deployment: dict[str, Any], ready: bool = True) -> str:
        """One pod of it, as its ReplicaSet makes and the kubelet runs it; its name."""
        name = f"{deployment['metadata']['name']}-x"
        self._pod(name, deployment["spec"]["template"], deployment)
        state = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
        self._set("pod", name, state)
        return name

    def end(
        self, job: dict[str, Any], said: BaseModel | str, code: int = 0, reason: str = "", pod: bool = True
    ) -> None:
        """Its pod ends with that termination message, and the Job with it. `reason`: of the Job's failure; `pod` False: it is gone."""
        name = job["metadata"]["name"]
        if pod:
            self._end_pod(job, said, code)
        try:
            self._set("job", name, _job_ended(code, reason))
        except KubectlError as error:  # what its pod said was enough, and the Job has been taken away
            if "not found" not in str(error):
                raise

    def _end_pod(self, job: dict[str, Any], said: BaseModel | str, code: int) -> None:
        name = job["metadata"]["name"]
        message = said if isinstance(said, str) else said.model_dump_json(by_alias=True, exclude_none=True)
        self._pod(f"{name}-x", job["spec"]["template"], job, {"batch.kubernetes.io/job-name": name})
        ended = {"exitCode": code, "message": message, "reason": "Completed" if code == 0 else "Error"}
        ended |= {"startedAt": _time(), "finishedAt": _time(), "containerID": "none://1"}
        container = {"name": "one", "image": "none", "imageID": "", "ready": False, "restartCount": 0}
        phase = "Succeeded" if code == 0 else "Failed"
        self._set(
            "pod", f"{name}-x", {"phase": phase, "containerStatuses": [{**container, "state": {"terminated": ended}}]}
        )

    def training(self, version: str = "1.1.0", **changes: Any) -> dict[str, Any]:
        """A TrainingJob of our model on SNAPSHOT and VALIDATION, with changes by path."""
        return changed(
            example("trainingjob"),
            {
                "metadata/name": self.model,
                "spec/dataset": {"train": SNAPSHOT, "validation": VALIDATION},
                "spec/from/storageUri": self.uri("1.0.0"),
                "spec/publish": {"model": self.model, "version": version, "detectorRef": {"name": self.model}},
                **{path.replace("__", "/"): value for path, value in changes.items()},
            },
        )

    def trainer(self, retry: int = 0) -> dict[str, Any]:
        """The Job of that retry, once it is there."""
        found: dict[str, Any] = self.until("the trainer's Job", lambda: self.get("job", f"{self.model}-t{retry}"))
        return found

    def train(self, job: dict[str, Any]) -> str:
        """Its pod runs; its name."""
        name = f"{job['metadata']['name']}-x"
        self._pod(name, job["spec"]["template"], job, {"batch.kubernetes.io/job-name": job["metadata"]["name"]})
        self._set("pod", name, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
        return name

    def trained(self, version: str = "1.1.0", goal_met: bool = True) -> TrainingReport:
        """What a trainer says at its end, its package published."""
        self.publish(version)
        return TrainingReport(
            model_package=PublishedPackage(storage_uri=self.uri(version), digest=package_digest(version)),
            verdict=Verdict(fit="Good", goal_met=goal_met),
        )

    def lose_pod(self, name: str) -> None:
        self.kubectl("delete", "pod", name, "--grace-period=0", "--force")

    def _pod(
        self, name: str, template: dict[str, Any], owner: dict[str, Any], labels: dict[str, str] | None = None
    ) -> None:
        if any(each["metadata"]["name"] == name for each in self.get("pods")["items"]):
            return
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "labels": {**template["metadata"]["labels"], **(labels or {})},
        }
        metadata["ownerReferences"] = [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "controller": True,
            }
        ]
        self.kubectl(
            "create",
            "-f",
            "-",
            given={"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]},
        )

    def _set(self, kind: str, name: str, status: dict[str, Any]) -> None:
        self.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))

    def versions(self) -> dict[str, str]:
        """The resourceVersion of all that is here, but of Leases: the same again means that nothing was written."""
        items = self.get("det,tj,deploy,jobs,pods,cm,svc,events.events.k8s.io")["items"]
        return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in items}


def _job_ended(code: int, reason: str) -> dict[str, Any]:
    begun, at = {"startTime": _time()}, _time()
    said = {"status": "True", "reason": reason or "BackoffLimitExceeded", "message": "", "lastTransitionTime": at}
    if code:
        # Kubernetes wants both conditions in this order of cause and end.
        conditions = [{**said, "type": "FailureTarget"}, {**said, "type": "Failed"}]
        return {**begun, "failed": 1, "conditions": conditions}
    said |= {"reason": "CompletionsReached"}
    conditions = [{**said, "type": "SuccessCriteriaMet"}, {**said, "type": "Complete"}]
    return {**begun, "completionTime": at, "succeeded": 1, "completedIndexes": None, "conditions": conditions}


def _time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
