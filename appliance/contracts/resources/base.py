"""The base of every object in a custom resource, and the scalars they share. Used by the models beside it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from appliance.contracts.base import Contract
from appliance.contracts.resources.rules import VALIDATIONS, Rule, Transition, matches

GROUP = "vedette.io"
VERSION = "v1alpha1"


class Resource(Contract):
    """An object of a custom resource: camelCase in YAML, snake_case in Python; unknown fields are refused.

    `rules` hold for every value, `transitions` between an object and what it replaces.
    """

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)
    rules: ClassVar[tuple[Rule, ...]] = ()
    transitions: ClassVar[tuple[Transition, ...]] = ()

    @model_validator(mode="after")
    def _obey(self) -> Resource:
        for rule in self.rules:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = handler.resolve_ref_schema(handler(schema))
        written["additionalProperties"] = False
        if cls.rules or cls.transitions:
            written[VALIDATIONS] = [rule.manifest for rule in cls.rules] + [rule.manifest for rule in cls.transitions]
        return written


def atomic_map(**limits: Any) -> dict[str, Any]:
    """Replaced as a whole by a server-side apply."""
    return {"x-kubernetes-map-type": "atomic", **limits}


def atomic_list() -> dict[str, Any]:
    return {"x-kubernetes-list-type": "atomic"}


def map_list(*keys: str) -> dict[str, Any]:
    """A list whose elements are told apart by `keys`, which are unique in it."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


DnsName = Annotated[
    str,
    StringConstraints(max_length=63),
    matches(
        r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
        "use lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit (RFC 1035)",
    ),
]
"""An RFC 1035 label: datasets, model packages, detectors."""

ObjectName = Annotated[
    str,
    StringConstraints(max_length=253),
    matches(
        r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
        "name an object of the same namespace: lower-case letters, digits, '-' and '.', as metadata.name has it",
    ),
]
"""The name of a ConfigMap or Secret."""

Digest = Annotated[
    str,
    StringConstraints(max_length=71),
    matches(r"sha256:[0-9a-f]{64}", "give a digest: 'sha256:' and 64 hexadecimal digits, not a tag or a name"),
]
"""A content digest."""

PackageUri = Annotated[
    str,
    StringConstraints(max_length=512),
    matches(
        r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
        r"/[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]{1,40})?",
        "give the folder of a model package, as s3://BUCKET/models/NAME/VERSION with a version like 1.4.0",
    ),
]
"""Where a model package lies in the object store; its last two parts are the model's name and version."""

SemanticVersion = Annotated[
    str,
    StringConstraints(max_length=60),
    matches(r"[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]{1,40})?", "give a semantic version, as 1.4.0"),
]

Fraction = Annotated[float, Field(ge=0, le=1)]
Metric = Literal["f1", "precision", "recall", "ap", "ap50"]
"""As `vedette evaluate` measures them; f1, precision and recall at an IoU of 0.5."""
Short = Annotated[str, StringConstraints(max_length=256)]
Sentence = Annotated[str, StringConstraints(max_length=2048)]
Seconds = Annotated[int, Field(ge=0, le=31_536_000)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


def package_name(uri: str) -> str:
    """The model's name in a PackageUri."""
    return uri.rsplit("/", 2)[-2]


def package_version(uri: str) -> str:
    """The version in a PackageUri."""
    return uri.rsplit("/", 1)[-1]
