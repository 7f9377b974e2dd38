"""Pods of the product's images, by digest, as the *restricted* standard wants them. Used by the fixture `pods`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.cluster.kubectl import Kubectl, wait_until
from tests.cluster.layout import PLAIN
from tests.cluster.product import reference

_SECURITY = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
_POD_SECURITY = {"runAsNonRoot": True, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}}


@dataclass(frozen=True)
class Pods:
    kubectl: Kubectl
    namespace: str

    def run(
        self,
        image: str,
        command: Sequence[str] = (),
        *,
        name: str = "",
        mounts: Sequence[tuple[str, dict[str, Any]]] = (),
        again: bool = False,
    ) -> str:
        """Start it, with /tmp and /var/lib/vedette to write in and `mounts` (path, volume). Returns its name."""
        name = name or image
        places = [("/tmp", {"emptyDir": {}}), ("/var/lib/vedette", {"emptyDir": {}}), *mounts]
        container: dict[str, Any] = {"name": "it", "image": reference(image), "imagePullPolicy": "IfNotPresent"}
        container |= {"securityContext": _SECURITY, "command": list(command)}
        container["volumeMounts"] = [{"name": f"v{n}", "mountPath": path} for n, (path, _) in enumerate(places)]
        spec = {
            "nodeSelector": {"kubernetes.io/hostname": PLAIN},
            "restartPolicy": "Always" if again else "Never",
            "securityContext": _POD_SECURITY,
            "terminationGracePeriodSeconds": 20,
            "containers": [container],
            "volumes": [{"name": f"v{n}", **volume} for n, (_, volume) in enumerate(places)],
        }
        metadata = {"name": name, "namespace": self.namespace}
        self.kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        return name

    def get(self, name: str) -> Any:
        return self.kubectl.get("-n", self.namespace, "pod", name)

    def printed(self, name: str) -> str:
        return self.kubectl("-n", self.namespace, "logs", name)

    def inside(self, name: str, *command: str) -> str:
        return self.kubectl("-n", self.namespace, "exec", name, "--", *command)

    def finished(self, name: str) -> str:
        """What it printed, once it has ended well. AssertionError with that when it has not."""
        wait_until(f"end of {name}", lambda: self.get(name)["status"]["phase"] in {"Succeeded", "Failed"}, 120)
        assert self.get(name)["status"]["phase"] == "Succeeded", self.printed(name)
        return self.printed(name)

    def wait_running(self, name: str) -> None:
        """Until it runs; what it needs to answer is another matter."""
        wait_until(f"start of {name}", lambda: self.get(name)["status"]["phase"] == "Running", 60)

    def delete(self, name: str) -> None:
        self.kubectl("-n", self.namespace, "delete", "pod", name, "--timeout=40s")
