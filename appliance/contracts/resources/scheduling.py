"""Where pods may run and what they may use, in Kubernetes' own words. Part of both resources."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from appliance.contracts.resources.base import ObjectName, Resource, atomic_list, atomic_map

_QUANTITY = r"^[0-9]+(\.[0-9]+)?([EPTGMK]i|[mkMGTPE]|[eE][0-9]+)?$"
_AMOUNT = re.compile(_QUANTITY)


def _amount(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("int_or_string", "give a whole number or an amount in quotes")
    if not _AMOUNT.fullmatch(str(value)):
        raise PydanticCustomError("string_pattern_mismatch", "", {"pattern": _QUANTITY})
    return value


Quantity = Annotated[
    int | str,
    PlainValidator(_amount),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": _QUANTITY,
            "x-kubernetes-int-or-string": True,
        }
    ),
]
"""An amount of a resource: 1, 500m, 8Gi."""

ResourceKey = Annotated[str, StringConstraints(max_length=253)]
LabelValue = Annotated[str, StringConstraints(max_length=63)]


class Resources(Resource):
    """Amounts of a node's resources for each pod."""

    limits: dict[ResourceKey, Quantity] | None = Field(
        default=None,
        max_length=16,
        description="The most that a pod may use, by resource: cpu, memory, nvidia.com/gpu. A card is asked for here.",
    )
    requests: dict[ResourceKey, Quantity] | None = Field(
        default=None,
        max_length=16,
        description="What a node must have free for the pod to be scheduled there. Absent: as the limits.",
    )


class Toleration(Resource):
    """A taint of a node that pods put up with."""

    key: Annotated[str, StringConstraints(max_length=316)] | None = Field(
        default=None, description="The taint's key. Absent with operator Exists: every taint."
    )
    operator: Literal["Exists", "Equal"] = Field(
        default="Equal", description="Exists: any value of the key. Equal: the value given."
    )
    value: LabelValue | None = Field(default=None, description="The taint's value, with operator Equal.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="The taint's effect. Absent: every effect."
    )
    toleration_seconds: int | None = Field(
        default=None,
        ge=0,
        le=31_536_000,
        description="How long a pod stays after a NoExecute taint came. Absent: always.",
    )


class LocalReference(Resource):
    """An object of the same namespace."""

    name: ObjectName = Field(description="Its name.")


class KeyReference(Resource):
    """One key of a ConfigMap of the same namespace. Followed: a change of the ConfigMap is a change of the resource."""

    name: ObjectName = Field(description="The ConfigMap's name.")
    key: Annotated[str, StringConstraints(max_length=253)] | None = Field(
        default=None, description="The key in the ConfigMap. Absent: its only key."
    )


NodeSelector = Annotated[
    dict[ResourceKey, LabelValue],
    Field(
        max_length=32,
        description="Labels that a node must have for pods to run there.",
        json_schema_extra=atomic_map(),
    ),
]
Tolerations = Annotated[
    list[Toleration],
    Field(
        max_length=32,
        description="Taints that the pods put up with, as in a pod's own tolerations.",
        json_schema_extra=atomic_list(),
    ),
]
PullSecrets = Annotated[
    list[LocalReference],
    Field(
        max_length=8,
        description="Secrets of this namespace with which images are pulled. Not needed where images were imported.",
        json_schema_extra=atomic_list(),
    ),
]
