"""The CustomResourceDefinition of a resource, and its text. Called by scripts/crds.py, the chart and the tests."""

from __future__ import annotations

from typing import Any

import yaml

from appliance.contracts.resources.base import GROUP, VERSION
from appliance.contracts.resources.objects import Column, DetectorResource, Kind, TrainingJobResource
from appliance.contracts.resources.schema import Schema, structural

_HEAD = "# Generated from appliance/contracts/resources by `make crds`; edit those.\n"


def definition(model: type[DetectorResource] | type[TrainingJobResource]) -> dict[str, Any]:
    """The CustomResourceDefinition as a value."""
    kind = model.KIND
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": [kind.short],
                "categories": ["all", "vedette"],
            },
            "versions": [_version(kind, _root(structural(model)))],
        },
    }


def text(model: type[DetectorResource] | type[TrainingJobResource]) -> str:
    """The file below crds/, byte for byte."""
    return _HEAD + yaml.safe_dump(definition(model), sort_keys=False, width=120, allow_unicode=True)


def file_name(model: type[DetectorResource] | type[TrainingJobResource]) -> str:
    return f"{model.KIND.plural}.{GROUP}.yaml"


def _version(kind: Kind, schema: Schema) -> dict[str, Any]:
    subresources: dict[str, Any] = {"status": {}}
    if kind.scale:
        names = ("specReplicasPath", "statusReplicasPath", "labelSelectorPath")
        subresources["scale"] = dict(zip(names, kind.scale, strict=True))
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": subresources,
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": schema},
    }


def _root(schema: Schema) -> Schema:
    """apiVersion, kind and metadata are Kubernetes' own."""
    properties = schema["properties"]
    properties["apiVersion"] = {"type": "string", "description": "The version of this schema: vedette.io/v1alpha1."}
    properties["kind"] = {"type": "string", "description": "What this object is."}
    properties["metadata"] = {"type": "object"}
    del properties["status"]["default"]  # the API server drops what a user gives of a status
    return {**schema, "required": ["spec"]}


def _column(column: Column) -> dict[str, Any]:
    written: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return written | {"description": column.description} | ({"priority": column.priority} if column.priority else {})
