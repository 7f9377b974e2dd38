"""The chart as helm renders it, for the values of each case. Used by conftest.py and the tests of this folder.

Images have no digest until they are built: each gets one here that no other has.
"""

from __future__ import annotations

import functools
import hashlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster_crds.api_server import ROOT, programs

CHART = ROOT / "charts" / "vedette"
NAMESPACE = "vedette"
SITE = ROOT / "tests" / "cluster_appliance" / "values.yaml"
_VALUES = Path(__file__).parent / "values"
CASES: dict[str, Path | None] = {"defaults": None, "site": SITE} | {
    path.stem: path for path in sorted(_VALUES.glob("*.yaml"))
}
Manifest = dict[str, Any]


class Loader(yaml.SafeLoader):
    """Reads numbers as Kubernetes does: 1e-06 is one, which PyYAML takes for a word."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


class HelmError(Exception):
    """What helm said when it ended with an error."""


def values() -> Manifest:
    """The chart's own."""
    read: Manifest = yaml.safe_load((CHART / "values.yaml").read_text())
    return read


@functools.cache
def built() -> str:
    """A --set for each image's digest, joined as helm takes them."""
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in values()["images"]}
    return ",".join(f"images.{name}.digest=sha256:{digest}" for name, digest in digests.items())


def helm(*words: str, kubeconfig: Path | None = None, home: Path = Path("/nonexistent")) -> str:
    """What it printed. Raises HelmError."""
    environment = {"HOME": str(home), "KUBECONFIG": str(kubeconfig or home / "none")}
    program = programs("helm") / "helm"
    done = subprocess.run([str(program), *words], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise HelmError(done.stderr)
    return done.stdout + done.stderr


def given(case: str) -> tuple[str, ...]:
    """helm's arguments for the values of a case."""
    path = CASES[case]
    return ("--set", built(), *(("-f", str(path)) if path else ()))


def text(*arguments: str) -> str:
    return helm("template", "vedette", str(CHART), "-n", NAMESPACE, "--kube-version", "1.34.0", *arguments)


@dataclass(frozen=True)
class Pod:
    """One that the release makes, or lets its Deployment, StatefulSet, DaemonSet or Job make."""

    owner: Manifest
    labels: dict[str, str]
    spec: Manifest

    @property
    def part(self) -> str:
        return self.labels["app.kubernetes.io/component"]

    @property
    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


@dataclass(frozen=True)
class Rendered:
    case: str
    manifests: list[Manifest]

    def of(self, *kinds: str) -> list[Manifest]:
        return [each for each in self.manifests if each["kind"] in kinds]

    @property
    def pods(self) -> list[Pod]:
        return list(_pods(self.manifests))


def _pods(manifests: list[Manifest]) -> Iterator[Pod]:
    for each in manifests:
        if each["kind"] == "Pod":
            yield Pod(each, each["metadata"]["labels"], each["spec"])
        elif each["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            template = each["spec"]["template"]
            yield Pod(each, template["metadata"]["labels"], template["spec"])


@functools.cache
def rendered(case: str) -> Rendered:
    return once(case)


def once(case: str) -> Rendered:
    """Rendered anew, with secrets of its own."""
    return Rendered(case, [each for each in yaml.load_all(text(*given(case)), Loader) if each])


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """As Kubernetes reads a label selector; the chart knows matchLabels and the operator In."""
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In", each
        if labels.get(each["key"]) not in each["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
