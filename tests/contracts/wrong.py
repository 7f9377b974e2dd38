"""Wrong resources, each by one fault: standalone mode and the API server must both refuse it with the same words.

Used by test_validate.py and, against a real API server, by tests/cluster_crds.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


class Gone(Enum):
    """In place of a value: the field is removed."""

    GONE = "gone"

    def __str__(self) -> str:
        return self.value


GONE = Gone.GONE


@dataclass(frozen=True)
class Wrong:
    """`changes`: path -> value put into the example. Refused with both `where` and `says` in the words."""

    example: str
    changes: dict[str, Any] = field(hash=False)
    where: str
    says: str

    def __str__(self) -> str:
        return f"{self.where}-{next(iter(self.changes.values()))}"[:60]

    @property
    def document(self) -> dict[str, Any]:
        return changed(example(self.example), self.changes)


def example(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text("utf-8"))
    return document


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    document = copy.deepcopy(document)
    for where, value in changes.items():
        target: Any = document
        *above, last = (int(part) if part.isdigit() else part for part in where.split("/"))
        for part in above:
            target = target[part]
        if value is GONE:
            del target[last]
        else:
            target[last] = value
    return document


def _det(where: str, says: str, **changes: Any) -> Wrong:
    return Wrong("detector-full", {name.replace("__", "/"): value for name, value in changes.items()}, where, says)


def _job(where: str, says: str, **changes: Any) -> Wrong:
    return Wrong("trainingjob", {name.replace("__", "/"): value for name, value in changes.items()}, where, says)


_PACKAGE = "give the folder of a model package"
_DIGEST = "give a digest: 'sha256:' and 64 hexadecimal digits"
_POINT = "give exactly one of from and threshold"
_SOURCE = "give exactly one of inline and configMapRef"
_SAME = "train, validation and test must be different snapshots"
_TRAIN = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

WRONG = [
    _det("spec.model", "Required value", spec__model=GONE),
    _det("spec.model.digest", "Required value", spec__model__digest=GONE),
    _det("spec.model.digest", _DIGEST, spec__model__digest="latest"),
    _det("spec.model.digest", _DIGEST, spec__model__digest="sha256:" + "A" * 64),
    _det("spec.model.storageUri", _PACKAGE, spec__model__storageUri="s3://vedette/models/ships/latest"),
    _det("spec.model.storageUri", _PACKAGE, spec__model__storageUri="https://example.org/ships/1.0.0"),
    _det("spec.modle", "unknown field", spec__modle={}),
    _det("spec.scaling.minReplica", "unknown field", spec__scaling__minReplica=1),
    _det("spec.runtime.backend", 'supported values: "auto", "tensorrt"', spec__runtime__backend="trt"),
    _det("spec.runtime.precision", 'supported values: "fp32", "fp16", "int8"', spec__runtime__precision="bf16"),
    _det("spec.runtime.batching.maxBatchSize", "greater than or equal to 1", spec__runtime__batching__maxBatchSize=0),
    _det("spec.runtime.batching.maxBatchSize", "of type integer", spec__runtime__batching__maxBatchSize="many"),
    _det("spec.subscribe[0].dataset", "use lower-case letters", spec__subscribe__0__dataset="Port Survey"),
    _det("spec.subscribe[0].where", "at least 1 chars long", spec__subscribe__0__where=""),
    _det("spec.recipe", _SOURCE, spec__recipe={}),
    _det("spec.recipe", _SOURCE, spec__recipe__configMapRef={"name": "steps"}),
    _det(
        "spec.recipe.inline.after[0].parameters.metres",
        "of type number",
        spec__recipe__inline__after__0__parameters={"metres": "large"},
    ),
    _det("spec.runningPoint", _POINT, spec__runningPoint={}),
    _det("spec.runningPoint", _POINT, spec__runningPoint={"from": "package", "threshold": 0.4}),
    _det(
        "spec.runningPoint", "overlap and minSizeMetres go with", spec__runningPoint={"from": "package", "overlap": 0.4}
    ),
    _det("spec.runningPoint.threshold", "less than or equal to 1", spec__runningPoint__threshold=41),
    _det("spec.geofence.configMapRef", "Required value", spec__geofence={"mode": "include"}),
    _det("spec.geofence.configMapRef.name", "name an object of the same", spec__geofence__configMapRef__name="a/b"),
    _det("spec.geofence.mode", 'supported values: "include", "exclude"', spec__geofence__mode="inside"),
    _det("spec.scaling.minReplicas", "minReplicas is above maxReplicas", spec__scaling__minReplicas=9),
    _det("spec.scaling.maxReplicas", "greater than or equal to 1", spec__scaling__maxReplicas=0),
    _det("spec.resources.limits.memory", "should match", spec__resources__limits__memory="lots"),
    _det("spec.rollout.canaryPercent", "less than or equal to 99", spec__rollout__canaryPercent=100),
    _det("spec.rollout.canaryPercent", "canaryPercent goes with", spec__rollout__strategy="Recreate"),
    _det("spec.rollout.strategy", 'supported values: "Canary", "Recreate"', spec__rollout__strategy="BlueGreen"),
    _det("spec.rollout.gates[0].metric", "supported values", spec__rollout__gates__0__metric="accuracy"),
    _det("spec.rollout.gates[0].snapshot", _DIGEST, spec__rollout__gates__0__snapshot="port-survey"),
    _det(
        "spec.rollout.gates[0]",
        "this gate asks for nothing",
        spec__rollout__gates__0__minimum=GONE,
        spec__rollout__gates__0__maxRegression=GONE,
    ),
    _det("spec.rollout.progressDeadlineSeconds", "or equal to 30", spec__rollout__progressDeadlineSeconds=1),
    _det("spec.suspend", "of type boolean", spec__suspend="yes please"),
    _det("spec.nodeSelector", "at most 32 items", spec__nodeSelector={f"k{i}": "v" for i in range(33)}),
    _det("metadata.name becomes part", "at most 43 lower-case", metadata__name="a" * 44),
    _det("metadata.name becomes part", "beginning with a letter", metadata__name="0ships"),
    _det("a detector bears", "the name of its model", metadata__name="boats"),
    _job("spec.dataset.train", _DIGEST, spec__dataset__train="port-survey"),
    _job("spec.dataset", _SAME, spec__dataset__validation=_TRAIN),
    _job("spec.dataset", _SAME, spec__dataset__test=_TRAIN),
    _job("spec.configuration", "Required value", spec__configuration=GONE),
    _job("spec.configuration", _SOURCE, spec__configuration={}),
    _job("spec.configuration.inline.learning_rat", "unknown field", spec__configuration__inline__learning_rat=1),
    _job("spec.configuration.inline.epochs", "greater than or equal to 1", spec__configuration__inline__epochs=0),
    _job("spec.configuration.inline.tile_size", "multiple of 32", spec__configuration__inline__tile_size=500),
    _job(
        "spec.configuration.inline.gsd_metres",
        "minimum <= nominal <= maximum",
        spec__configuration__inline__gsd_metres__nominal=9,
    ),
    _job("spec.goal.minimum", "less than or equal to 1", spec__goal__minimum=80),
    _job("spec.numNodes", "greater than or equal to 1", spec__numNodes=0),
    _job("spec.checkpoint.everySeconds", "greater than or equal to 10", spec__checkpoint__everySeconds=1),
    _job("spec.publish.version", "give a semantic version", spec__publish__version="latest"),
    _job("spec.managedBy", "supported values", spec__managedBy="me"),
]

CHANGES = [
    _det("spec.model.digest", "a version never changes its content", spec__model__digest="sha256:" + "0" * 64),
    _job("spec.dataset", "dataset cannot be changed", spec__dataset__train="sha256:" + "0" * 64),
    _job("spec.from", "from cannot be changed", spec__from=GONE),
    _job("spec.configuration", "configuration cannot be changed", spec__configuration__inline__epochs=31),
    _job("spec.numNodes", "numNodes cannot be changed", spec__numNodes=2),
    _job("spec.publish", "publish cannot be changed", spec__publish__version="1.6.0"),
    _job("spec.managedBy", "managedBy cannot be changed", spec__managedBy="vedette.io/operator"),
]
"""An example and a change of it that an update may not make."""
