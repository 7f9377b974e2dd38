"""Pods for tests: busybox that sleeps or serves, on a node or wherever the scheduler wants it. Used by the `pods` fixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cluster.images import TOOLS
from tests.cluster.kubectl import Kubectl, wait_until

SLEEP = ("sleep", "3600")
FETCH = ("timeout", "10", "wget", "-q", "-O", "-")  # wget's own time-out makes Debian's static busybox crash


def serve(text: str) -> tuple[str, ...]:
    """A command that answers every HTTP request on port 8080 with `text`."""
    return ("sh", "-c", f"mkdir -p /tmp/www && echo {text} > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www")


@dataclass(frozen=True)
class PodRunner:
    kubectl: Kubectl
    namespace: str

    def run(
        self,
        name: str,
        command: Sequence[str] = SLEEP,
        *,
        node: str | None = None,
        limits: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> str:
        """Make it, labelled `app: NAME`, and wait until it is ready. Returns its name."""
        self.kubectl.apply(self._manifest(name, command, node, limits or {}))
        if wait:
            self.wait(name)
        return name

    def wait(self, name: str) -> None:
        self.kubectl("-n", self.namespace, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s", seconds=90)

    def get(self, name: str) -> Any:
        return self.kubectl.get("-n", self.namespace, "pod", name)

    def inside(self, name: str, *command: str) -> str:
        """What the command printed in the pod. Raises KubectlError when it fails."""
        return self.kubectl("-n", self.namespace, "exec", name, "--", *command)

    def delete(self, name: str) -> None:
        self.kubectl("-n", self.namespace, "delete", "pod", name, "--grace-period=0", "--force")

    def wait_unscheduled(self, name: str, word: str) -> None:
        """Until the scheduler says that it finds no place for it, naming `word`."""
        wait_until(f"refusal of {name} for {word}", lambda: word in _why_unscheduled(self.get(name)))

    def _manifest(
        self, name: str, command: Sequence[str], node: str | None, limits: Mapping[str, str]
    ) -> dict[str, Any]:
        container: dict[str, Any] = {"name": "tools", "image": TOOLS, "command": list(command)}
        container["imagePullPolicy"] = "Never"
        container["volumeMounts"] = [{"name": "tmp", "mountPath": "/tmp"}]
        container["resources"] = {"limits": dict(limits)}
        spec: dict[str, Any] = {"containers": [container], "terminationGracePeriodSeconds": 0}
        spec["volumes"] = [{"name": "tmp", "emptyDir": {}}]
        if node is not None:
            spec["nodeSelector"] = {"kubernetes.io/hostname": node}
        metadata = {"name": name, "namespace": self.namespace, "labels": {"app": name}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _why_unscheduled(pod: Any) -> str:
    conditions = pod["status"].get("conditions", [])
    return next(
        (c.get("message", "") for c in conditions if c["type"] == "PodScheduled" and c["status"] == "False"), ""
    )
